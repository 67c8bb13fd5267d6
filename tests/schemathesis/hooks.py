"""What Schemathesis cannot know: which three values confirm an order, and that keys are new and cursors not made up."""

import itertools
import json
import pathlib

import schemathesis
from schemathesis import GenerationMode

PAYMENTS = json.loads(pathlib.Path(__file__).with_name("payments.json").read_text())
NUMBERS = itertools.count()


@schemathesis.hook
def map_case(context, case):
    meta = case.meta
    if meta is None or meta.generation.mode != GenerationMode.POSITIVE:
        return case
    # A cursor means something only to the list that gave it; those come by links. Others are a 400, as documented.
    if case.query and "cursor" in case.query:
        del case.query["cursor"]
    # The same key for another request is refused, as documented. Few made-up keys are new; most get a number.
    key = case.headers.get("Idempotency-Key") if case.headers else None
    number = next(NUMBERS)
    if isinstance(key, str) and number % 4:
        case.headers["Idempotency-Key"] = f"{key[:200]}.{number}"
    # An order is confirmed with the payment that was authenticated for it, and with its amount.
    if case.operation.definition.raw.get("operationId") == "confirmPayment" and PAYMENTS:
        if isinstance(case.body, dict) and isinstance(case.body.get("amount"), int):
            case.body = {**case.body, **PAYMENTS[case.body["amount"] % len(PAYMENTS)]}
    return case
