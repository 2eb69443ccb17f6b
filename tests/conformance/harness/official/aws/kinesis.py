"""Kinesis Data Streams and Data Firehose: the requests that our log destinations make."""

from typing import Any

from .connection import Aws


class Refused(Exception):
    """The stream refuses an entry each time."""


ATTEMPTS = 3


def put_lines(aws: Aws, kind: str, stream: str, lines: list[list[str]]) -> dict[str, int]:
    """Puts lines, each with its Run, into a stream: those that are refused again."""
    left, attempts = lines, ATTEMPTS
    while left:
        if attempts == 0:
            raise Refused(stream)
        attempts -= 1
        outcomes = (_firehose if kind == "firehose" else _data_stream)(aws, stream, left)
        left = [line for line, outcome in zip(left, outcomes, strict=True) if "ErrorCode" in outcome]
    return {"stored": len(lines)}


def _firehose(aws: Aws, stream: str, lines: list[list[str]]) -> list[dict[str, Any]]:
    records = [{"Data": f"{text}\n".encode()} for _, text in lines]
    return aws("firehose").put_record_batch(DeliveryStreamName=stream, Records=records)["RequestResponses"]


def _data_stream(aws: Aws, stream: str, lines: list[list[str]]) -> list[dict[str, Any]]:
    records = [{"Data": f"{text}\n".encode(), "PartitionKey": run} for run, text in lines]
    return aws("kinesis").put_records(StreamName=stream, Records=records)["Records"]


CALLS = (put_lines,)
