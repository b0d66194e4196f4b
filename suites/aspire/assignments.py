"""Aspire, test 3: a learner hands in an assignment with a file, looks at it, and improves it.

    swell run suites/aspire/assignments.py

Where document and script differ: the document says file uploads; the platform takes files inside the JSON,
and the file is one of several sizes here. The error rate counts successes too (see enrollment.py). Several
virtual users are one learner, so that the latest submission may be another's: what is compared is that each
exists, not which one is the latest.
"""

from suites.aspire.api import BASE_URL, as_learner, judge, objectives, require_learner
from suites.common import audit, create, new_id, pause, written
from swell import Rate, feeder, group, http, ledger, random, scenario

STEPS = {"assignments": 300, "assignment": 200, "submit": 1000, "submission": 200, "update": 500}

options = {"thresholds": objectives(STEPS, share=0.05)}

errors = Rate("errors")
submissions = ledger("submissions")
file_sizes = feeder.of([200, 2_000, 20_000], order="circular")


def setup() -> None:
    """See that the platform is up and takes the token."""
    require_learner()


@scenario(
    executor="ramping-vus", start_vus=0, stages=[("1m", 10), ("2m", 25), ("1m", 50), ("2m", 50), ("1m", 0)]
)
@group("assignment")
def work() -> None:
    """Choose one, hand it in, and improve it."""
    listed = http.get(f"{BASE_URL}/api/assignments", headers=as_learner(), name="assignments")
    if not judge(errors, listed, "assignments loaded"):
        return
    pause(1)
    url = f"{BASE_URL}/api/assignments/{random.choice(listed.json())['id']}"
    judge(errors, http.get(url, headers=as_learner(), name="assignment"), "assignment loaded")
    pause(1)
    text = f"{new_id('Submission ')}\n" + "An example that shows what was asked for. " * 5
    files = [{"name": "test-submission.txt", "content": "x" * file_sizes.next(), "type": "text/plain"}]
    submission = {"content": text, "files": files}
    handed_in = create(
        submissions,
        lambda: http.post(f"{url}/submit", json=submission, headers=as_learner(), name="submit"),
        key=lambda answer: answer.json()["id"],
    )
    judge(errors, handed_in, "submitted", 201)
    pause(2)
    seen = http.get(f"{url}/submission", headers=as_learner(), name="submission")
    judge(errors, seen, "submission seen")
    pause(1)
    better = {"content": f"{text}\nWith a further paragraph."}
    updated = http.put(f"{url}/submission", json=better, headers=as_learner(), name="update")
    judge(errors, updated, "submission updated")
    pause(1)


@audit("every submission exists once")
def submissions_exist() -> None:
    """What was handed in is kept."""
    submissions.compare(written(BASE_URL, "submissions"))
