"""What a chat request asks of a model: words, pictures or a video, and in which words of ours. Pure."""

from __future__ import annotations

from grok2api.catalogue import Model
from grok2api.errors import BadRequest
from grok2api.messages import ChatRequest, Message
from grok2api.services.asking import Wanted
from grok2api.services.instructions import instructions_for
from grok2api.services.pictures import MAX_PICTURES
from grok2api.services.prompt import build_prompt

#: A model that draws when it sees fit is told that it is to.
DRAW = "Generate an image: {prompt}"
_DRAW_TURN = "Answer the last turn with a generated image of what it describes."


def check_pictures(request: ChatRequest, model: Model) -> None:
    """Whether the model can do with the pictures that it is to see. Raises BadRequest."""
    attached = request.attached
    if not attached:
        return
    if not model.image:
        raise BadRequest(f"The model `{model.name}` takes no pictures.", attached[0].where)
    if model.video and len(attached) > 1:
        raise BadRequest(
            f"`{model.name}` makes a video of one picture; the last turn has {len(attached)}.",
            attached[1].where,
        )
    if model.video and not _motion(request):
        raise BadRequest(f"Say how the picture is to move: `{model.name}` makes a video of it.", "messages")
    if len(attached) > MAX_PICTURES:
        raise BadRequest(
            f"At most {MAX_PICTURES} pictures can go with the last turn; it has {len(attached)}.",
            attached[MAX_PICTURES].where,
        )


def wanted_of(request: ChatRequest, model: Model) -> Wanted:
    """A model for videos makes one of a picture, and pictures of words alone."""
    if not model.video:
        return Wanted.WORDS
    return Wanted.VIDEO if request.attached else Wanted.PICTURES


def prompt_of(request: ChatRequest, wanted: Wanted, more: tuple[Message, ...] = ()) -> str:
    """The upstream string. more: turns that are put behind the request's."""
    if wanted is Wanted.VIDEO:
        return _motion(request)
    instructions = instructions_for(request)
    if wanted is Wanted.PICTURES and not instructions and len(request.messages) == 1:
        return DRAW.format(prompt=build_prompt(request.messages))
    if wanted is Wanted.PICTURES:
        instructions = "\n\n".join(filter(None, (instructions, _DRAW_TURN)))
    return build_prompt((*request.messages, *more), instructions, request.attached)


def _motion(request: ChatRequest) -> str:
    return "\n".join(filter(None, (message.text.strip() for message in request.asked_with)))
