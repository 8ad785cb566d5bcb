# Godot's WebSocketServer echoes, in the kind in which a message came. It prints one line for each
# thing that happens, and ends when its last client has gone.
#
# PORT: where it listens; PROTOCOLS: sub-protocols, with commas; CLOSE: "code reason" with which it
# ends a connection that sends "close me".
extends SceneTree

var server = WebSocketServer.new()
var clients = 0
var is_over = false


func _init():
	server.connect("client_connected", self, "_connected")
	server.connect("client_disconnected", self, "_disconnected")
	server.connect("client_close_request", self, "_close_requested")
	server.connect("data_received", self, "_received")
	server.set_buffers(512, 512, 512, 512)
	var protocols = PoolStringArray()
	if OS.get_environment("PROTOCOLS") != "":
		protocols = OS.get_environment("PROTOCOLS").split(",")
	if server.listen(int(OS.get_environment("PORT")), protocols) == OK:
		print("listening")
	else:
		print("cannot listen")
		is_over = true


func _connected(_id, protocol):
	print("connected ", protocol)
	clients += 1


func _close_requested(_id, code, reason):
	print("close ", code, " ", reason)


func _disconnected(_id, was_clean):
	print("gone ", "clean" if was_clean else "not clean")
	clients -= 1
	is_over = clients == 0


func _received(id):
	var peer = server.get_peer(id)
	var bytes = peer.get_packet()
	var is_text = peer.was_string_packet()
	if is_text and bytes.get_string_from_utf8() == "close me":
		var close = OS.get_environment("CLOSE").split(" ", false, 1)
		server.disconnect_peer(id, int(close[0]), close[1])
		return
	var mode = WebSocketPeer.WRITE_MODE_TEXT if is_text else WebSocketPeer.WRITE_MODE_BINARY
	peer.set_write_mode(mode)
	if peer.put_packet(bytes) != OK:
		print("not sent ", bytes.size())


func _idle(_delta):
	server.poll()
	if is_over:
		quit()
