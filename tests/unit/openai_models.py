"""OpenAI's own models as a measure: strictly typed, and without any field that they do not have but ours."""

from __future__ import annotations

from openai import BaseModel

#: What we send beyond OpenAI's models, as newer clients know it.
BEYOND = {
    "ChoiceDelta": {"reasoning_content", "annotations"},
    "ChatCompletionMessage": {"reasoning_content"},
    "Response": {"store"},  # which OpenAI sends, too
    "ResponseErrorEvent": {"error"},  # the form that makes the SDKs raise
}


def assert_known(model: BaseModel) -> None:
    """No field anywhere that OpenAI's models do not have."""
    extra = set(model.model_extra or ())
    assert extra <= BEYOND.get(type(model).__name__, set()), (type(model).__name__, extra)
    for value in vars(model).values():
        for item in value if isinstance(value, list) else [value]:
            if isinstance(item, BaseModel):
                assert_known(item)
