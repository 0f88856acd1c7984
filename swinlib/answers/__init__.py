"""A learner's answer: how it is called, in this process or in another one, and how what it gave is shown.

`swinlib.check` calls answers where the learner works; `swinlib.classroom` calls them in a sandbox, which has nothing of
`swinlib.check`, and has this.
"""
