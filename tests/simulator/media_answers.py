"""Scenarios with pictures. The files they name exist and belong to the account."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

import orjson

from . import frames
from .accounts import File
from .frames import Json
from .pictures import FORMATS, picture_in
from .scripts import Script


def store(script: Script, path: str, mime: str, content: bytes) -> str:
    """Gives the account a file; returns its relative path."""
    account, directive = script.turn.account, script.turn.directive
    behaviour = directive.options.get("asset", account.asset)
    return account.add_asset(path, File(content, mime, behaviour=behaviour))


def _picture(script: Script, picture: str, preview: bool = False) -> str:
    """Whatever its format, it is called image.jpg."""
    part = "-part-0" if preview else ""
    format_ = script.turn.directive.choice("format", "jpeg", FORMATS)
    content = picture_in(format_, picture + part, script.turn.directive.integer("size", 0))
    return store(script, f"generated/{picture}{part}/image.jpg", f"image/{format_}", content)


def _ids(script: Script) -> list[str]:
    return [str(uuid.uuid4()) for _ in range(script.turn.pictures)]


def _head(script: Script, pictures: int) -> None:
    script.begin()
    script.add(frames.progress_report(script.turn.rid, "PENDING"))
    script.add(frames.response(script.turn.rid, queryAction={"type": "imagine"}))
    script.add(frames.response(script.turn.rid, imageAttachmentInfo={"imageAttachmentCount": pictures}))


def _progress(
    script: Script, number: int, picture: str, done: bool, moderated: bool = False, shown: str = "whole"
) -> str:
    """One frame of a picture under way, or its last one; returns its path. shown: what the last one of a moderated
    picture names: its whole self, its preview, or nothing."""
    path = _picture(script, picture, preview=not done)
    named = path
    if moderated and shown != "whole":
        named = _picture(script, picture, preview=True) if shown == "preview" else ""
    fields: Json = {
        "imageId": picture, "imageUrl": named, "seq": int(done), "progress": 100 if done else 50,
        "imageIndex": number,
    }  # fmt: skip
    if done:
        fields |= {"assetId": picture, "imageModel": "imagine_x_1"}
    fields["moderated"] = moderated
    script.add(frames.streaming_image(script.turn.rid, fields), paced=True)
    return path


def sentence(script: Script, text: str) -> None:
    """The one token of a media answer; it carries isSoftStop."""
    script.add(frames.token(script.turn.rid, text, soft_stop=True), paced=True)
    script.told.append(text)


def _end(script: Script, urls: list[str], **fields: Any) -> None:
    script.add(frames.final_metadata(script.turn.rid))
    script.model_response(generatedImageUrls=urls, **fields)
    script.add(frames.title("Simulated picture"))


def _generated(
    script: Script, moderated: Callable[[int], bool], finals: bool = True, shown: str = "whole"
) -> tuple[list[str], list[str]]:
    """The frames of all pictures, previews first; returns good paths and moderated paths."""
    ids = _ids(script)
    _head(script, len(ids))
    good: list[str] = []
    bad: list[str] = []
    for number, picture in reversed(list(enumerate(ids))):
        _progress(script, number, picture, done=False)
    for number, picture in enumerate(ids) if finals else ():
        hidden = moderated(number)
        (bad if hidden else good).append(_progress(script, number, picture, True, hidden, shown))
    sentence(script, f"I generated images with the prompt: '{script.turn.message[:200]}'")
    return good, bad


def images(script: Script) -> None:
    good, _ = _generated(script, lambda _: False)
    _end(script, good, fileAttachments=[path.split("/")[3] for path in good])


def one_unreadable(script: Script) -> None:
    """The file of the first picture is never given out."""
    good, _ = _generated(script, lambda _: False)
    script.turn.account.assets[good[0]].behaviour = "500"
    _end(script, good)


def one_moderated(script: Script) -> None:
    """The first picture is moderated, and its path comes back in generatedImageUrls nevertheless."""
    good, bad = _generated(script, lambda number: number == 0)
    _end(script, bad + good)


def one_moderated_unnamed(script: Script) -> None:
    """The same, and the frame that withholds it does not say where it lies."""
    good, bad = _generated(script, lambda number: number == 0, shown="")
    _end(script, bad + good)


def one_moderated_preview(script: Script) -> None:
    """The same, and that frame names the preview."""
    good, bad = _generated(script, lambda number: number == 0, shown="preview")
    _end(script, bad + good)


def all_moderated(script: Script) -> None:
    _generated(script, lambda _: True)
    _end(script, [])


def placeholder_urls(script: Script) -> None:
    """A modelResponse with placeholders, then one with a leading slash and an absolute URL."""
    good, _ = _generated(script, lambda _: False)
    script.model_response(generatedImageUrls=["", "/", *([""] * (len(good) - 1))])
    forms = [
        f"/{path}" if number % 2 == 0 else f"https://assets.grok.com/{path}"
        for number, path in enumerate(good)
    ]
    _end(script, [*forms, ""])


def preview_only(script: Script) -> None:
    """Only previews at 50; no final picture anywhere."""
    _generated(script, lambda _: False, finals=False)
    _end(script, [])


def late_urls(script: Script) -> None:
    """No streaming frames; a first modelResponse without pictures, a second one with them."""
    ids = _ids(script)
    script.begin()
    sentence(script, "I generated images for you.")
    script.model_response()
    _end(script, [_picture(script, picture) for picture in ids])


def cached(script: Script) -> None:
    """cachedImageGenerationResponse, the way of 2025."""
    paths = [_picture(script, picture) for picture in _ids(script)]
    script.begin()
    for path in paths:
        body = {"imageUrl": path, "moderated": False}
        script.add(frames.response(script.turn.rid, cachedImageGenerationResponse=body), paced=True)
    sentence(script, "I generated images for you.")
    _end(script, [])


def cards(script: Script) -> None:
    """Pictures as cards: an empty card, its render token, then the card again at 50 and 100."""
    rid, final = script.turn.rid, []
    script.begin()
    for number, picture in enumerate(_ids(script)):
        card_id = f"05ab{number:02d}"
        script.add(frames.card(rid, frames.image_card(card_id, None)), paced=True)
        script.say([frames.render_tag(card_id, "render_generated_image", "generated_image_card")])
        for done in (False, True):
            path = _picture(script, picture, preview=not done)
            chunk: Json = {
                "imageUuid": picture,
                "imageUrl": path,
                "progress": 100 if done else 50,
                "moderated": False,
            }
            card = frames.image_card(card_id, chunk)
            script.add(frames.card(rid, card), paced=True)
        final.append(orjson.dumps(card).decode())
    script.say(["Here", " they", " are."])
    script.finish(cardAttachmentsJson=final)


def cards_at_end(script: Script) -> None:
    """Cards that only the modelResponse has; the last one is of a second answer, beside the first."""
    chunks: list[Json] = [
        {"imageUuid": picture, "imageUrl": _picture(script, picture), "progress": 100, "moderated": False}
        for picture in [*_ids(script), str(uuid.uuid4())]
    ]
    chunks[-1]["sideBySideIndex"] = 1
    script.begin()
    script.say(["Here", " they", " are."])
    cards = [frames.image_card(f"05ab{number:02d}", chunk) for number, chunk in enumerate(chunks)]
    script.finish(cardAttachmentsJson=[orjson.dumps(card).decode() for card in cards])


def odd_names(script: Script) -> None:
    """Between two good pictures: one on another host, an upload, and what is no path; one good one has a query."""
    first, second = (_picture(script, picture) for picture in _ids(script)[:2])
    rid = script.turn.rid
    script.begin()
    script.add(
        frames.streaming_image(rid, {"imageId": "i-1", "imageUrl": f"{first}?cache=1#top"})
    )  # no progress
    sentence(script, "I generated images for you.")
    odd = [
        "https://imagine-public.x.ai/imagine-public/images/i-2.jpg",
        "users/U/f-1/content",
        "users/x y/z.jpg",
    ]
    _end(script, [*odd, f"https://assets.grok.com/{second}?cache=1"])


def edit(script: Script) -> None:
    """One picture made from an attached one."""
    turn, picture = script.turn, str(uuid.uuid4())
    script.begin()
    script.add(frames.progress_report(turn.rid, "PENDING"))
    script.add(frames.response(turn.rid, imageDimensions={"width": 384, "height": 384}))
    _progress(script, 0, picture, done=False)
    path = _progress(script, 0, picture, done=True)
    sentence(script, f"I edited the image with the prompt: '{turn.message[:200]}'")
    _end(script, [path], fileAttachments=[picture])


SCENARIOS: dict[str, Callable[[Script], None]] = {
    "images": images, "one_moderated": one_moderated, "all_moderated": all_moderated,
    "one_moderated_unnamed": one_moderated_unnamed, "one_moderated_preview": one_moderated_preview,
    "one_unreadable": one_unreadable,
    "placeholder_urls": placeholder_urls, "preview_only": preview_only, "late_urls": late_urls,
    "cached": cached, "cards": cards, "cards_at_end": cards_at_end, "odd_names": odd_names, "edit": edit,
}  # fmt: skip
# Scenarios whose pair of pictures costs four units.
PICTURES = frozenset(SCENARIOS) - {"edit"}
