"""All settings of the functions, read once from the environment. The only reader of it.

Rules
- One frozen dataclass. Each field is a limit or a name, with its unit and the reason of its default.
- A missing or illegal value stops the function at its start with a SettingsError that names it.

Called by the handlers; the command line builds one of its own from a stack's outputs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields

from tabletrail.errors import SettingsError

PERIODS = ("day", "week", "month")


@dataclass(frozen=True, slots=True)
class Settings:
    """Environment variable of a field: TABLETRAIL_ and its name in capitals. No default: it must be set."""

    streams_table: str
    shards_table: str
    segments_table: str
    runs_table: str
    segments_bucket: str
    opensearch_endpoint: str
    """https://host:port, no path."""
    opensearch_auth: str = "sigv4"
    """sigv4 (a domain) or basic (user and password from `opensearch_secret`)."""
    opensearch_secret: str = ""
    """Name or ARN of the secret {"username", "password", "ca_pem"} of this function's own user."""
    token_key_secret: str = ""
    """Name or ARN of the secret with the key of the tokens that stand for sensitive values."""
    tag_key: str = "tabletrail"
    tag_value: str = "on"
    table_names: str = ""
    """Comma-separated names of tables audited without the tag."""
    missing_streams: str = "enable"
    """enable, or report: then a table without a stream becomes a line in the report and nothing is changed."""
    service_tag: str = "service"
    """The table tag whose value becomes an entry's service.name."""
    actor_attribute: str = "updatedBy"
    """Top-level attribute that names who wrote, where a change also changed it; empty: none."""
    outbox_table: str = ""
    """Where writers say who makes a change, in the transaction that makes it; empty: there is none."""
    claims_table: str = ""
    """Where it stands which record a row of the outbox was joined with; needed where there is an outbox."""
    index_period: str = "month"
    retention_days: int = 0
    """How many days after its period's end an index may be deleted; 0: never."""
    snapshot_repository: str = ""
    """Repository of OpenSearch that gets a snapshot of each closed index; empty: none does."""
    group_shards: int = 24
    """Shards in one group: with its segment's row and two children each, one transaction of 100 items suffices."""
    cycle_records: int = 10_000
    """Records in one segment: about 20 MB of images, which fits a function's memory several times."""
    cycle_bytes: int = 24_000_000
    """Bytes of replies in one segment, for large items."""
    empty_pages: int = 4
    """Empty pages a quiet shard may cost a run. 4 a minute are 5,760 a day: more than DynamoDB was reported to make, so
    a walk over them ends before the stream forgets what lies behind."""
    walk_pages: int = 400
    """Empty pages a shard may cost a run while its walk has not reached the present."""
    iterator_seconds: int = 840
    """A kept iterator older than this is not used: it dies at 900."""
    keep_iterator_seconds: int = 50
    """A quiet shard's place is kept in every run: to read the pages behind it again costs more than the write."""
    rest_after_seconds: int = 3600
    """A shard without a record for so long is read in every third run only, for three times the pages."""
    rest_seconds: int = 160
    """How long such a shard is left alone: each minute since then allows `empty_pages` more, so that its walk keeps up
    with the empty pages that DynamoDB makes."""
    function_seconds: int = 50
    """Time for the work of one call. The function's own limit is 60: the rest is for the commit in flight."""
    run_seconds: int = 50
    """Time for one run, so that the next minute's run finds the lease free."""
    lease_seconds: int = 330
    """Longer than the 300 s that an Express execution may last."""
    walk_seconds: int = 900
    """A full walk over a stream's shards this often: the net below CHILD_SHARDS, in time for the 24 hours that streams
    keep. It was most of PlanRun's time, since DescribeStream is paced for the whole account."""
    finished_row_hours: int = 48
    bulk_bytes: int = 5_000_000
    """One bulk request: what OpenSearch takes well; a domain refuses more than 10 MB on small nodes."""
    alert_bus: str = ""
    """Name of the EventBridge bus that gets each alert; empty: none does."""
    alert_topic: str = ""
    """ARN of the SNS topic that gets alerts in words; empty: none does."""
    alert_values: str = "true"
    """true lets alerts show what attributes were and became; false shows their names alone."""
    dashboards_url: str = ""
    """Where OpenSearch Dashboards are, for links in alerts and for saved objects; empty: there are none."""
    monitor_topic: str = ""
    """ARN of the SNS topic that OpenSearch's monitors send to; empty: their alerts stand in Dashboards alone."""
    monitor_role: str = ""
    """ARN of the IAM role as which a domain sends there; empty: the nodes send as themselves."""
    trail_bucket: str = ""
    """Bucket with the files of CloudTrail's events; empty: nothing is attributed by them."""
    trail_prefix: str = ""
    """What stands before AWSLogs/ in their names, without a slash at its end."""
    trail_organization: str = ""
    """Id (o-...) of the organization whose trail it is; empty: a trail of one account."""
    trail_accounts: str = ""
    """Comma-separated ids of the accounts under which the files are read."""
    trail_tables: str = ""
    """Comma-separated ARNs of the tables whose writes the trail records: only their changes are attributed."""
    trail_settled_seconds: int = 3600
    """How old a change must be before it is attributed: CloudTrail delivers within minutes and promises no time."""
    backlog_segments: int = 200
    """Segments that one IndexSegments call takes at most: the bound of the backlog's rate."""
    backlog_delay_seconds: int = 60
    """The backlog leaves younger segments to the run that wrote them."""

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Settings:
        """Reads TABLETRAIL_* of `environment`. SettingsError names what is missing or illegal."""
        values: dict[str, str | int] = {}
        for field in fields(cls):
            name = "TABLETRAIL_" + field.name.upper()
            text = environment.get(name)
            if text is not None:
                values[field.name] = _number(name, text) if field.type == "int" else text
        try:
            settings = cls(**values)  # type: ignore[arg-type]  # the types follow the fields, checked just above
        except TypeError as error:
            raise SettingsError(f"a required TABLETRAIL_ variable is not set: {error}") from None
        settings._check()
        return settings

    def _check(self) -> None:
        _one_of("opensearch_auth", self.opensearch_auth, ("sigv4", "basic"))
        _one_of("missing_streams", self.missing_streams, ("enable", "report"))
        _one_of("alert_values", self.alert_values, ("true", "false"))
        _one_of("index_period", self.index_period, PERIODS)
        if not self.opensearch_endpoint.startswith("https://"):
            raise SettingsError("TABLETRAIL_OPENSEARCH_ENDPOINT must start with https://")
        if self.dashboards_url and not self.dashboards_url.startswith(("https://", "http://")):
            raise SettingsError("TABLETRAIL_DASHBOARDS_URL must start with https:// or http://, or be empty")
        if self.outbox_table and not self.claims_table:
            raise SettingsError("TABLETRAIL_CLAIMS_TABLE must name a table where TABLETRAIL_OUTBOX_TABLE does")
        if self.opensearch_auth == "basic" and not self.opensearch_secret:
            raise SettingsError("TABLETRAIL_OPENSEARCH_SECRET must name a secret when the auth is basic")

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(name.strip() for name in self.table_names.split(",") if name.strip())


def _number(name: str, text: str) -> int:
    try:
        number = int(text)
    except ValueError:
        raise SettingsError(f"{name} must be a whole number, not {text!r}") from None
    if number < 0:
        raise SettingsError(f"{name} must not be negative")
    return number


def _one_of(name: str, value: str, legal: tuple[str, ...]) -> None:
    if value not in legal:
        raise SettingsError(f"TABLETRAIL_{name.upper()} must be one of {', '.join(legal)}, not {value!r}")
