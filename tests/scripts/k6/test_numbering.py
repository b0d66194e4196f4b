"""What scripts say again and again crosses to Python by number, and nobody sees a difference."""

from collections.abc import Callable

from swell.scripts.k6.numbering import MAX_TEXTS, Numbering
from swell.testing.cli import CLIResult

RunScript = Callable[..., CLIResult]
TOP = 'import http from "k6/http";\nimport { check } from "k6";\nconst B = __ENV.TARGET;\n'


def test_numbers_are_kept() -> None:
    """A text keeps its number; one too many is given none, and those before it keep theirs."""
    numbering = Numbering()
    numbers = [numbering.number_of(f"text {index}") for index in range(MAX_TEXTS + 1)]
    assert numbers == [*range(MAX_TEXTS), -1]
    assert (numbering.number_of("text 7"), numbering.texts[7], len(numbering.texts)) == (
        7,
        "text 7",
        MAX_TEXTS,
    )


def test_bodies_that_come_at_once_belong_to_their_responses(run: RunScript) -> None:
    """Every response has its own body, URL and status, read at once or much later, beside others that none reads."""
    result = run(
        TOP
        + """
        export default () => {
          const kept = [];
          for (let i = 0; i < 200; i++) {
            const made = i % 7 === 3 ? http.get(B + '/status/418')
              : i % 5 === 2 ? http.request('GET', `${B}/get?at=${i}`)
              : i % 11 === 4 ? http.batch([`${B}/get?at=${i}`])[0] : http.get(`${B}/get?at=${i}`);
            if (i % 2) made.body;
            kept.push(made);
          }
          kept.forEach((made, i) => {
            const wanted = i % 7 === 3 ? [418, `${B}/status/418`, undefined]
              : [200, `${B}/get?at=${i}`, String(i)];
            const seen = [made.status, made.url, made.status === 200 ? made.json().args.at : undefined];
            if (JSON.stringify(seen) !== JSON.stringify(wanted)) throw new Error(`${i}: ${seen} for ${wanted}`);
          });
          console.log(`all ${kept.length} are right`);
        }
        """
    )
    assert (int(result.exit_code), "all 200 are right" in result.stderr) == (0, True), result.stderr


def test_checks_with_many_names(run: RunScript) -> None:
    """Every check counts under its own name, however many and however odd the names are."""
    result = run(
        TOP
        + """
        export default () => {
          for (let i = 0; i < 150; i++) check(i, { [`number ${i % 100}`]: (n) => n % 3 === 0, 'zero\\0name': true });
          try { check(1, { before: true, throws: () => { throw new Error('x') }, after: true }) } catch {}
        }
        export function handleSummary(data) {
          const told = {};
          for (const made of data.root_group.checks) told[made.name] = [made.passes, made.fails];
          const names = Object.keys(told);
          return { stdout: JSON.stringify([names.length, told['number 1'], told['number 99'], told['zero\\0name'],
            told.before, told.throws, told.after ?? null]) };
        }
        """
    )
    assert "[103,[0,2],[1,0],[150,0],[1,0],[0,1],null]" in result.stdout, result.stdout + result.stderr
