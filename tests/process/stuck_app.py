"""The gateway with a route that stops the whole worker. For tests."""

from gevent import monkey

from wsgi import app

_sleep = monkey.get_original("time", "sleep")


@app.get("/stuck")
def stuck() -> str:
    _sleep(3600)
    return ""
