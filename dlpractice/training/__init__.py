"""The training loop and what it is built of. After any change here, a resumed run must still end with the
same bits as an uninterrupted one."""
