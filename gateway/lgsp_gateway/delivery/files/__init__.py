"""Files: large content that messages and events refer to, uploaded in resumable parts and kept until its time is over."""
