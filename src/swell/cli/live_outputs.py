"""From ``--out`` to the writer of a run: outputs opened before anything starts."""

from contextlib import ExitStack

from swell.base.clock import CLOCK_OFFSET
from swell.base.errors import ConfigError, ExitCode, Fault
from swell.base.redaction import NOTHING_SECRET, Redactor
from swell.cli.plan import Plan
from swell.cli.system import System
from swell.metrics.delta import EXPECTED_RESPONSE
from swell.metrics.model import Metric, MetricType
from swell.output.csvlines import CSVLines
from swell.output.encoder import Encoder
from swell.output.expand import OWN_METRICS, WorkerStream
from swell.output.files import open_destination
from swell.output.jsonlines import JSONLines
from swell.output.spec import PLACE, OutputSpec, parse_outputs
from swell.output.writer import Output, OutputWriter


def open_outputs(
    plan: Plan, language: str, system: System, redactor: Redactor = NOTHING_SECRET
) -> OutputWriter | None:
    """Open the outputs that ``plan`` asks for; None where it asks for none.

    The output of a k6 script has k6's metrics only. ``redactor`` keeps secrets out of tags.

    Raises:
        ConfigError: an output is unknown or cannot be opened; with every fault.
    """
    options = plan.options
    if not options.out:
        return None
    faults = []
    outputs = []
    with ExitStack() as opened:
        for spec in parse_outputs(options.out, system.env):
            try:
                destination = open_destination(spec.file, system.stdout, system.path)
            except OSError as error:
                faults.append(Fault(PLACE, f"{spec.file} cannot be written: {error.strerror or error}"))
                continue
            opened.callback(destination.close)
            outputs.append(Output(spec.shown, _encoder(spec, plan), destination))
        if faults:
            raise ConfigError(tuple(faults), exit_code=ExitCode.OTHER)
        opened.pop_all()
    left_out = OWN_METRICS if language == "k6" else ()
    return OutputWriter(
        outputs,
        lambda encoders: WorkerStream(encoders, CLOCK_OFFSET.ns, options.system_tags, left_out, redactor),
        options.tags,
        CLOCK_OFFSET.ns,
    )


def _encoder(spec: OutputSpec, plan: Plan) -> Encoder:
    if spec.kind == "csv":
        return CSVLines(plan.options.system_tags, spec.time_format)
    known = plan.rules.known()

    def metric(name: str) -> Metric:
        return known.get(name) or Metric(name, MetricType.TREND)

    options = plan.options
    always = (EXPECTED_RESPONSE,) if EXPECTED_RESPONSE[1][0][0] in options.system_tags else ()
    return JSONLines(metric, options.thresholds, always)
