"""The load: requests encoded once by our codec, played and timed by a small program in C.

In Python a request costs the generator about as much as it costs the Python broker, so it would measure
itself; C with one epoll pays a copy and the kernel's part. The program knows no request: what is sent stands
on a tape that ``tape`` writes, so its protocol code is rmqwire's own, which is checked against Java's bytes.
"""
