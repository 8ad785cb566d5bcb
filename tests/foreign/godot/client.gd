# Godot's WebSocketClient sends messages to an echo server and judges what comes back. It prints
# one line for each thing that happens.
#
# URL: the server; PROTOCOLS: sub-protocols, with commas; COUNT: so many clients at once;
# LEAVE: "code reason" to close with, or "stay" to wait for the server's close.
extends SceneTree

const TEXTS = ["hello", "h\u00e9 \u4e16\u754c", "end"]
# This version of Godot sends no empty message.
const SIZES = [1, 125, 126, 127, 65000]

var clients = []


class Player:
	var socket = WebSocketClient.new()
	var wanted = []
	var echoed = 0
	var is_over = false

	func start(url, protocols):
		socket.connect("connection_established", self, "_established")
		socket.connect("connection_error", self, "_refused")
		socket.connect("connection_closed", self, "_closed")
		socket.connect("server_close_request", self, "_close_requested")
		socket.connect("data_received", self, "_received")
		socket.verify_ssl = false
		# A message of 65,000 bytes, several times.
		socket.set_buffers(512, 64, 512, 64)
		return socket.connect_to_url(url, protocols)

	func _established(protocol):
		print("established ", protocol)
		for text in TEXTS:
			_send(WebSocketPeer.WRITE_MODE_TEXT, text.to_utf8())
		for size in SIZES:
			var bytes = PoolByteArray()
			for index in size:
				bytes.append((index * 7 + size) % 256)
			_send(WebSocketPeer.WRITE_MODE_BINARY, bytes)

	func _send(mode, bytes):
		var peer = socket.get_peer(1)
		peer.set_write_mode(mode)
		if peer.put_packet(bytes) != OK:
			print("not sent ", bytes.size())
		wanted.append([mode == WebSocketPeer.WRITE_MODE_TEXT, bytes])

	func _received():
		var peer = socket.get_peer(1)
		var bytes = peer.get_packet()
		var expected = wanted.pop_front()
		if expected == null or expected[0] != peer.was_string_packet() or expected[1] != bytes:
			print("another message than was sent: ", bytes.size(), " bytes")
		echoed += 1
		if wanted.empty():
			print("echoed ", echoed)
			var leave = OS.get_environment("LEAVE").split(" ", false, 1)
			if leave[0] != "stay":
				socket.disconnect_from_host(int(leave[0]), leave[1])

	func _close_requested(code, reason):
		print("close ", code, " ", reason)

	func _closed(was_clean):
		print("closed ", "clean" if was_clean else "not clean")
		is_over = true

	func _refused():
		print("refused")
		is_over = true


func _init():
	var protocols = PoolStringArray()
	if OS.get_environment("PROTOCOLS") != "":
		protocols = OS.get_environment("PROTOCOLS").split(",")
	for _number in int(OS.get_environment("COUNT")):
		var player = Player.new()
		clients.append(player)
		if player.start(OS.get_environment("URL"), protocols) != OK:
			print("did not start")
			player.is_over = true


func _idle(_delta):
	var over = 0
	for player in clients:
		if player.is_over:
			over += 1
		else:
			player.socket.poll()
	if over == clients.size():
		quit()
