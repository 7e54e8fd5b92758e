"""`tabletrail local demo`: from nothing to answers. Whatever it shows was made by the product that was deployed.

Order: stack, tables, deployment, wait for the scheduler, a minute of work, wait for the log and for alerts, comparison,
questions, alerts. It may be repeated on the same stack, and leaves it running.

Called by `command`.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from typing import Any

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from tabletrail.errors import TabletrailError
from tabletrail_local import demo_display as display
from tabletrail_local import stack
from tabletrail_local.alert_queue import AlertQueue, ensure_alert_queue
from tabletrail_local.console import say, step
from tabletrail_local.demo_alerts import DASHBOARDS_URL, Told, forget_earlier, show_alerts, wait_until_told
from tabletrail_local.demo_compare import Comparison
from tabletrail_local.demo_errors import DemoError
from tabletrail_local.demo_log import DemoLog
from tabletrail_local.demo_tables import DemoTables, ensure_tables
from tabletrail_local.demo_tour import ask_questions, ask_what_is_missing, show_one_item
from tabletrail_local.demo_waits import wait_until_audited, wait_until_caught_up
from tabletrail_local.deploy import deploy
from tabletrail_local.guard import require_local_account
from tabletrail_local.info import READER_ROLE, StackInfo
from tabletrail_local.paths import DIRECTORY_VARIABLE, StackPaths
from tabletrail_local.stack import NamedServer
from tabletrail_local.workload import Pace, new_run_name, run_workload
from tabletrail_local.workload_truth import Truth

PARAMETERS = {"ScheduleState": "ENABLED", "ScheduleExpression": "rate(1 minute)", "DashboardsUrl": DASHBOARDS_URL}

WHERE = "It all keeps running, on this machine only"
"""Heading of what is true of this machine's stack alone."""

# A call is not repeated, so it may take its time: see `workload_writer`.
_CLIENT = Config(read_timeout=120, retries={"total_max_attempts": 1}, proxies={})


@dataclass(frozen=True)
class Outcome:
    """What was done (`truth`) and what the log has of it, the oldest entry first."""

    started_at: float
    truth: Truth
    comparison: Comparison
    entries: list[dict[str, Any]]
    told: Told


@dataclass(frozen=True)
class Demo:
    info: StackInfo
    paths: StackPaths
    tables: DemoTables
    alerts: AlertQueue

    def client(self) -> Any:
        """boto3's client for DynamoDB, after it has been made sure that it is the local one."""
        require_local_account(self.info)
        return self.info.session().client("dynamodb", config=_CLIENT)

    def work(self, pace: Pace) -> Outcome:
        """On a stack to which tabletrail is deployed: returns when the log has all of it, or will not get more."""
        client, log, run = self.client(), DemoLog.of_this_stack(), new_run_name()
        with step("making the tables orders, customers, payments and staff"):
            ensure_tables(client, self.tables)
        wait_until_audited(client, log, self.tables, self.paths.logs)
        forget_earlier(self.alerts)
        started_at = time.time()
        with display.counting("four services at work", pace.calls) as tick:
            truth = run_workload(client, self.tables, run, pace, tick)
        comparison, entries = wait_until_caught_up(log, run, truth, self.paths.logs)
        told = wait_until_told(self.alerts, self.tables, entries, self.paths.logs)
        return Outcome(started_at, truth, comparison, entries, told)

    def tell(self, outcome: Outcome) -> bool:
        """Shows what came of it, and asks the log. True if the log is what was done."""
        comparison, truth = outcome.comparison, outcome.truth
        display.heading("Changes made and entries found")
        display.show_comparison(comparison)
        if not comparison.is_equal:
            display.verdict("The log is not what was done.", is_good=False)
            say(f"Look at `tabletrail status --local` and at the logs in {self.paths.logs}.")
            return False
        say(
            f"Item by item: {comparison.items} items, each with its changes in their order. "
            f"{truth.unchanged} writes that changed nothing and {truth.refused} refused calls have no entry."
        )
        ask_questions(self.tables, outcome.started_at)
        is_same = show_one_item(self.tables, truth, outcome.entries)
        if is_same:
            say("That is what was written then.")
        else:
            display.verdict("That is not what was written then.", is_good=False)
        is_whole = ask_what_is_missing()
        return show_alerts(outcome.told) and is_same and is_whole


def run_demo(paths: StackPaths, named: NamedServer | None, pace: Pace) -> int:
    """The exit code. LocalStackError for whatever keeps it from the end."""
    forget_aws_settings()
    display.heading("tabletrail: start a local OpenSearch and a local AWS, deploy, work for a minute, ask the log")
    try:
        info = stack.up(paths, named)
        require_local_account(info)
        alerts = ensure_alert_queue(info.session())
        deploy(info, paths, {**PARAMETERS, **alerts.parameters})
        demo = Demo(info, paths, DemoTables(), alerts)
        is_good = demo.tell(demo.work(pace))
    except (TabletrailError, ClientError, BotoCoreError) as error:
        raise DemoError(f"{error}. Logs: {paths.logs}; what waits: `tabletrail status --local`") from error
    if is_good:
        display.heading("Each change has one entry, and there is no entry without a change.")
    tell_where(info, paths)
    return 0 if is_good else 1


def forget_aws_settings() -> None:
    """Takes every AWS_* variable out of this process, so that nothing in it can lead to the caller's account."""
    for name in [name for name in os.environ if name.upper().startswith("AWS_")]:
        del os.environ[name]


def tell_where(info: StackInfo, paths: StackPaths) -> None:
    reader = info.login(READER_ROLE)
    display.heading(WHERE)
    ca = f" --cacert {info.ca_file}" if info.ca_file else ""
    say(f"OpenSearch   {info.opensearch_url}  user {reader.user}, password {reader.password} (reads the log)")
    say(f"             curl{ca} -u {reader.user} {info.opensearch_url}/tabletrail/_search?size=1")
    say(f"local AWS    {info.aws_endpoint}  region {info.region}, keys {info.access_key} / {info.secret_key}")
    say(f"             AWS_CONFIG_FILE={info.aws_config_file} AWS_SHARED_CREDENTIALS_FILE={info.aws_credentials_file}")
    say(f"all users    {paths.stack}")
    say(f"logs         {paths.logs}")
    if DIRECTORY_VARIABLE in os.environ:
        say(f"all commands need {DIRECTORY_VARIABLE}={paths.root}")
    say("the command  .venv/bin/tabletrail search --help")
    say("stop it      .venv/bin/tabletrail local down     (all data are kept; `local reset` removes them)")
