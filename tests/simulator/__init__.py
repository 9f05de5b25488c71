"""A simulator of the Grok web service: grok.com REST and assets.grok.com on one port, faithful and nasty.

Start it with `python -m tests.simulator [--host H] [--port P] [--accounts FILE.json] [--no-journal]
[--until-stdin-closes]`; it prints {"port", "pid", "url"} as one line of JSON. Tests use `client.Simulator`.

ACCOUNTS (cookie `sso`)
    sim-{basic|super}-{behaviour}-{label}   comes into being when first seen
    behaviour   ok, or the name of any scenario or fault below
    label       NAME[.key.value]... of letters, digits, dots and underscores. Keys: quota, heavy, window (s),
                shape (tokens|queries) and every option of a directive, such as times, only, asset, after:
                  sim-basic-ok-7.quota.20     sim-super-500-a.times.2
                  sim-basic-401-b.only.all    sim-basic-ok-c.asset.403_then_200
    Other secrets (JWTs) are registered with POST /_sim/accounts; all others get 401 bad-credentials.
    Defaults: 80 units per 72000 s from the first use; heavy pool 20 for super, 0 for basic. Heavy (modelName
    grok-4-heavy, MODEL_MODE_HEAVY, modeId heavy) takes 1 of its own pool; other requests take 1, or 4 for
    expert and for two and more generated pictures; 429 when too few are left. The user id in paths is a UUID
    made from the secret.

DIRECTIVES, anywhere in `message`; the last one counts
    [[sim: NAME key=value ...]]
    First comes the account's behaviour (its options win over the prompt's), then the prompt's directive, the
    default of POST /_sim/defaults, what the prompt asks for: a friendly text (thinking first on a thinking
    model), pictures (draw, paint, "generate an image", 画 in the user's last turn), an edit (the same with
    attachments), a video (videoGen); with the gateway's instructions for tools or JSON a call of the first
    tool, a sentence about a tool's result, or a JSON document (obliging). An unknown name, option
    or value is a 400 that names it.

SCENARIOS
    text    natural plain think search echo tags tags_split(size=) artifact unwrapped wait_then_ok(wait=)
            script(script64=)        `plain tokens=0` is an empty success; `answers.TAGS_VISIBLE` is tags
                                     without its tags; wait_then_ok delays any endpoint (only=)
    odd     late_think unclosed_think repeat_final side_by_side token_objects no_model_response message_only
            both_keys junk_lines long_line(size=) malformed malformed_mid
    media   images cards cached late_urls one_moderated all_moderated placeholder_urls preview_only edit
            video video_skip_100 video_back video_moderated video_no_url

FAULTS
    HTTP        429 429_exhausted 429_heavy_usage 401 401_invalid 401_none 403_cloudflare 403_empty
                403_antibot 403_blocked 403_moderated 403_region 400_domain 400_bad 500 502_html 503 504 524
                html_200 empty_200
    connection  reset_before stall_before reset_headers stall_headers drip(interval=)
    mid-answer  reset_mid cut_mid eof_mid stall_mid error_mid         after after= tokens (tokens=, else 3)
    in-stream   error_first error_first_7 error_first_13 error_first_16 error_string load_shed usage_limit
                too_long moderated_stream internal_stream concurrency_stream model_response_error
                                                                      the last seven after after= tokens (0)
    A fault before tokens takes no quota unless charge=1; a broken-off answer does. 429_exhausted and
    usage_limit empty the pool; an account with 429_exhausted is empty from the start.

OPTIONS
    tokens=N            N answer tokens "w0", " w1", " w2" ... (scripts.plain_tokens)
    answer= tokens64= think64=   the exact answer, a JSON list of its tokens, the exact thinking; base64url
                        (directives.pack)
    thinking=N          N thinking tokens "t0", " t1" ...; on plain too
    delay=S first_delay=S pre_delay=S   seconds before each token or picture, the first frame, the status line
    stamp=1             every answer token is "@<time.monotonic_ns() at send> "
    step=KEY hold=KEY   wait for POST /_sim/step before every answer token; before the first frame (HTTP and
                        connection faults: before the status line)
    transport=chunked|close|gzip|gzip_close|deflate|deflate_close   packed ones are flushed after each frame
    segment=N pause=S   TCP segments of N bytes, S seconds apart (0.0002)
    split=N             pieces (chunks) of N bytes
    batch=N             N frames per send
    newline=lf|crlf|none blank=1 keepalive=1 sse=1 ctype=json|ndjson|sse
    times=N key=K then=NAME   in a prompt: the first N requests with this key (without: this message) get it,
                        whatever the account, later ones get NAME (plain). For an account: N times, then ok.
    only=...            for accounts: the endpoints that are hit, of chat upload create limits assets all,
                        joined with + or , (chat)
    images=N            number of pictures (imageGenerationCount, else 2)
    format=jpeg|png|webp|gif|avif   what generated pictures are; all are called image.jpg
    asset=B             generated and uploaded files: ok 403 404 500 html_200 json_200 empty truncated
                        wrong_length unfinished (half, without a length) gzip redirect slow octet reset stall
                        429_wait; 403_then_200 and so on: the first read; later_403 and so on: all others
    size=N              generated JPEGs are filled up to so many bytes
    script64=           base64url JSON list of steps (client.script): ["line", value or text]
                        ["bytes", base64] ["sleep", s] ["gate", key] ["reset"] ["cut"] ["stall"] ["eof"]

CONTROL API (JSON)
    POST /_sim/accounts {"accounts": [{"sso", "tier", "quota", "heavy_quota", "window_s", "times", "only",
         "shape", "asset", "behaviour": "500" or "reset_mid after=2"}]}                   creates or replaces
    GET  /_sim/accounts   the same with remaining, heavy_remaining, user_id, files, posts, assets
    GET  /_sim/requests?sso=&path=PREFIX&limit=N   {seq, at, method, path, query, headers (lower-case names),
         cookies, body, body_bytes, body_truncated, sso, status (null: none was sent), ended (complete,
         client_gone, reset, cut, eof; null: under way), closed_at, scenario, flags (bad_request_id)}; times
         are epoch seconds; the last 20 000, bodies over 64 KiB shortened
    GET  /_sim/streams    {open, opened, completed, client_gone, rejected, reset, cut, eof, connections,
         frames_sent, late_ms (worst)}; counts chat requests; a half-closed connection counts as gone
    POST /_sim/step?key=K&n=1   gives permits; n=0 only asks {waiting, permits}; negative opens for good
    POST /_sim/reset      forgets accounts, journal, counters, permits and defaults
    POST /_sim/defaults {"directive": "plain tokens=5" or "" or a list, whose last one stays,
         "journal": bool, "rate_limits_shape": "tokens" or "queries", "upload_limit_bytes": N}
"""
