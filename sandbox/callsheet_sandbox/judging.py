"""Judge a request body by the input schema of its action."""

from callsheet_sandbox.refusals import RefusedError
from callsheet_sandbox.templates import Json


def judge(schema: Json, body: Json) -> None:
    """Raise RefusedError("invalid_input") with every fault and where it stands.

    A schema that is no JSON Schema, or one that points outside itself, judges nothing.
    """
    import jsonschema_rs

    def refuse(uri: str) -> Json:
        raise ValueError(f"{uri} is not read")

    try:
        validator = jsonschema_rs.validator_for(schema, retriever=refuse)
    except (ValueError, TypeError):
        return
    faults = [
        {
            "path": "/" + "/".join(str(step) for step in fault.instance_path),
            "message": fault.message,
        }
        for fault in validator.iter_errors(body)
    ]
    if faults:
        location = "" if faults[0]["path"] == "/" else f" at {faults[0]['path']}"
        message = f"Invalid input{location}: {faults[0]['message']}"
        raise RefusedError("invalid_input", message, details=faults)
