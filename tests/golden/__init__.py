"""Recorded exchanges, one to a file in `cases/`, to be judged by eye: a request, what Grok was asked, what it answered,
and what the client got.

    # What the case shows, in a sentence.

    ## Request
    Settings: `{"strict_params": true}`             where they are not the defaults
    An `http` block: POST PATH, perhaps headers, an empty line, the JSON body. Several are sent one after the other;
    `ID1` and so on stand for ids of earlier answers.

    ## To Grok
    Per attempt the account, the model and the message.

    ## From Grok
    Per attempt a block: `jsonl`, the frames as they are sent, or `http`, a refusal that the simulator knows. The last
    one is also the answer to all further attempts. "Nothing." where Grok is not asked. `userResponse`, which the
    gateway does not read, has only the user's last words; most files leave out empty fields of it and of
    `modelResponse`.

    ## Answer
    Per request an `http` block: status, the headers that matter, and the body, JSON indented, events as they come.

`test_golden.py` plays Request and From Grok out of the file and compares the other two sections to the letter.
`python -m tests.golden [NAME…]` writes these two anew; judge what changed with `git diff`. Random ids and times have
stable names (names.py): the same value has the same name throughout a file.
"""
