"""What any ComfyUI does, asked of a server over plain HTTP and WebSocket.

The server is the simulator, or, with ``COMFYGRAPH_SERVER=http://host:8188``, a real ComfyUI: what holds for one and not for the
other is a fault of the simulator. No model is needed. On a real server the tests leave a few small pictures in its
output, temp and input folders, and touch nobody else's jobs.
"""
