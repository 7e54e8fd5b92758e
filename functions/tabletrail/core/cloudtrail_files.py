"""The records in a file of CloudTrail events, whoever wrote the file.

Pure: the file's unzipped bytes in, records as they stand there out. Nothing raises: a file is another system's work.

Rules
- A trail's own file is one object `{"Records": [...]}`.
- Firehose writes what an EventBridge rule hands it, one JSON object after the other with nothing between them: a
  record, or the whole event (`detail-type`) that holds a record as its `detail`.
- Numbers stay texts, so that a key's number keeps every digit.
- Of a file that breaks off, what stands before the break counts, and the break is told.

Sources: AWS CloudTrail User Guide, "CloudTrail log file examples"; Amazon EventBridge User Guide, "AWS service events
delivered via AWS CloudTrail"; Amazon Data Firehose Developer Guide, "Configure Amazon S3 object name format" (no
delimiter is added unless it is asked for).

Called by `cloudtrail`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

NOT_JSON = "file is not JSON"
NO_RECORDS = "file has no Records"
BROKEN_OFF = "file breaks off"

_DECODER = json.JSONDecoder(parse_float=str, parse_int=str)
_SPACE = " \t\r\n"
_ENVELOPE = "detail-type"


def records_of(data: bytes) -> tuple[list[Any], str]:
    """(each record as it stands there, what is wrong with the file or with the rest of it: empty if nothing is)."""
    found: list[Any] = []
    text = _text(data)
    try:
        for value in _values(text):
            records = _records(value, is_first=not found)
            if records is None:
                return found, NO_RECORDS
            found += records
        is_whole = len(text) == len(data) or len(text.encode()) == len(data)
    except (ValueError, RecursionError):
        is_whole = False
    if is_whole:
        return found, ""
    return found, BROKEN_OFF if found else NOT_JSON


def _text(data: bytes) -> str:
    """All of it, or what stands before the first byte that is no UTF-8."""
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        return data[: error.start].decode()


def _values(text: str) -> Iterator[Any]:
    """The JSON values that stand one after the other, at least one. ValueError where none stands, or half of one."""
    place, end = _past_space(text, 0), len(text)
    while True:
        value, place = _DECODER.raw_decode(text, place)
        yield value
        place = _past_space(text, place)
        if place >= end:
            return


def _past_space(text: str, place: int) -> int:
    while place < len(text) and text[place] in _SPACE:
        place += 1
    return place


def _records(value: Any, is_first: bool) -> list[Any] | None:
    """The records that one value holds; None if the file begins with what no such file begins with."""
    if type(value) is dict:
        if "Records" in value:
            records = value["Records"]
            return records if type(records) is list else None
        if type(value.get("detail")) is dict and _ENVELOPE in value:
            return [value["detail"]]
        if "eventVersion" in value:
            return [value]
    return None if is_first else [value]
