"""Scenarios with videos. The files they name exist and belong to the account."""

from __future__ import annotations

import uuid
from collections.abc import Callable

from . import frames
from .frames import Json
from .media_answers import sentence, store
from .movie import mp4
from .pictures import jpeg
from .scripts import Script

VIDEO_STEPS = (1, 5, 16, 33, 50, 66, 94, 95)


def _video_frame(script: Script, video: str, progress: int, **fields: object) -> None:
    base: Json = {
        "videoId": video, "progress": progress, "videoPrompt": script.turn.message[:200], "mode": "custom",
        "modelName": "imagine_xdit_1", "moderated": False,
    }  # fmt: skip
    script.add(frames.streaming_video(script.turn.rid, base | fields), paced=True)


def _last_video(script: Script, video: str) -> None:
    """The frame at 100 with the paths."""
    url = store(script, f"generated/{video}/generated_video.mp4", "video/mp4", mp4(video))
    thumb = store(script, f"generated/{video}/preview_image.jpg", "image/jpeg", jpeg(video))
    _video_frame(
        script, video, 100, assetId=video, videoUrl=url, thumbnailImageUrl=thumb, videoPostId=video,
        rRated=False,
    )  # fmt: skip


def _video_head(script: Script) -> str:
    script.begin()
    script.add(frames.progress_report(script.turn.rid, "PENDING"))
    script.add(frames.progress_report(script.turn.rid, "SUCCESS"))
    script.add(frames.response(script.turn.rid, queryAction={"type": "imagine"}))
    script.add(frames.response(script.turn.rid, imageAttachmentInfo={"imageAttachmentCount": 1}))
    return str(uuid.uuid4())


def _video_end(script: Script, video: str, attachments: list[str] | None = None) -> None:
    """One sentence, modelResponse and title; there is no finalMetadata after a video."""
    sentence(script, "I generated a video with the prompt you gave.")
    script.model_response(fileAttachments=[video] if attachments is None else attachments)
    script.add(frames.title("Simulated video"))


def video(script: Script) -> None:
    video = _video_head(script)
    for progress in VIDEO_STEPS:
        _video_frame(script, video, progress)
    _last_video(script, video)
    _video_end(script, video)


def video_skip_100(script: Script) -> None:
    """The URL comes with progress 95; 100 is never reached."""
    video = _video_head(script)
    for progress in VIDEO_STEPS[:-1]:
        _video_frame(script, video, progress)
    url = store(script, f"generated/{video}/generated_video.mp4", "video/mp4", mp4(video))
    _video_frame(script, video, 95, assetId=video, videoUrl=f"/{url}")
    _video_end(script, video)


def video_back(script: Script) -> None:
    """Progress repeats, jumps back and comes as text; the last frame comes twice."""
    video = _video_head(script)
    for progress in (1, 33, 33, 16, 50, 5, 95):
        _video_frame(script, video, progress)
    script.add(frames.streaming_video(script.turn.rid, {"videoId": video, "progress": "96"}), paced=True)
    _last_video(script, video)
    _last_video(script, video)
    _video_end(script, video)


def video_moderated(script: Script) -> None:
    video = _video_head(script)
    for progress in VIDEO_STEPS[:4]:
        _video_frame(script, video, progress)
    _video_frame(script, video, 100, moderated=True, videoUrl="")
    _video_end(script, video, [])


def video_no_url(script: Script) -> None:
    """No frame with videoUrl; modelResponse.fileAttachments has the path of the .mp4."""
    video = _video_head(script)
    for progress in (*VIDEO_STEPS, 100):
        _video_frame(script, video, progress)
    url = store(script, f"generated/{video}/generated_video.mp4", "video/mp4", mp4(video))
    _video_end(script, video, [url])


def video_id_only(script: Script) -> None:
    """No frame with videoUrl; modelResponse.fileAttachments has the id of the video."""
    video = _video_head(script)
    for progress in (*VIDEO_STEPS, 100):
        _video_frame(script, video, progress)
    store(script, f"generated/{video}/generated_video.mp4", "video/mp4", mp4(video))
    _video_end(script, video)


SCENARIOS: dict[str, Callable[[Script], None]] = {
    "video": video, "video_skip_100": video_skip_100, "video_back": video_back,
    "video_moderated": video_moderated, "video_no_url": video_no_url,
    "video_id_only": video_id_only,
}  # fmt: skip
