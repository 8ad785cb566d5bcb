//! What a session does, one thing at a time.
