-- What two netdriver peers say to each other beyond UTP v1: the Hello, and packets of frames.
-- netdriver.lua loads this file from beside it; by itself it registers nothing.

local M = {}

M.HELLO_PIPELINE = 255
M.SHORT, M.LONG = 0x10, 0x11
local HELLO_MAGIC, HELLO_SIZE, VERSION = "ndHi", 20, 2
local TOKEN_SIZE = 8
local LARGEST_BYTES, LARGEST_RANGE = 3, 0x1000000
local ACK_DELAY_UNIT = 8
local ACK_RANGES_MAX = 31

local KINDS = { [M.SHORT] = "Session packet", [M.LONG] = "Session packet, long number" }
M.KINDS = KINDS

local PADDING, PING, ACK, WINDOW, BLOCKED, DELIVERED, CHALLENGE, RESPONSE = 0, 1, 2, 3, 4, 5, 6, 7
local MESSAGE, RELIABLE, REPAIR, PART = 8, 10, 12, 14
local LAST_PART = 0x8000
local TAKES_PIECES = 1
-- The channel of packets that pipelines' own stages have made: each begins with its pipeline.
local PACKET_CHANNEL = 0
local FRAMES = {
    [PADDING] = "Padding",
    [PING] = "Ping",
    [ACK] = "Ack",
    [WINDOW] = "Window",
    [BLOCKED] = "Blocked",
    [DELIVERED] = "Delivered",
    [CHALLENGE] = "PathChallenge",
    [RESPONSE] = "PathResponse",
    [MESSAGE] = "Message",
    [MESSAGE + 1] = "Message",
    [RELIABLE] = "Reliable",
    [RELIABLE + 1] = "Reliable",
    [REPAIR] = "Repair",
    [REPAIR + 1] = "Repair",
    [PART] = "Part",
}

local f = {
    hello_version = ProtoField.uint8("netdriver.hello.version", "Version"),
    hello_answer = ProtoField.bool("netdriver.hello.answer", "It is an answer"),
    hello_features = ProtoField.uint32("netdriver.hello.features", "Features", base.HEX),
    hello_pieces = ProtoField.bool("netdriver.hello.features.pieces", "Takes pieces", 32, nil,
        TAKES_PIECES),
    hello_size = ProtoField.uint16("netdriver.hello.datagram_size_max", "Longest datagram"),
    hello_window = ProtoField.uint32("netdriver.hello.window", "Window"),
    hello_pipelines = ProtoField.uint32("netdriver.hello.pipelines", "Digest of the pipelines",
        base.HEX),
    kind = ProtoField.uint8("netdriver.session.kind", "Session", base.HEX, KINDS),
    number = ProtoField.uint32("netdriver.session.number", "Low bits of the packet number"),
    frame = ProtoField.uint8("netdriver.frame", "Frame", base.HEX, FRAMES),
    largest = ProtoField.uint24("netdriver.ack.largest", "Low bits of the newest number"),
    delay = ProtoField.uint32("netdriver.ack.delay_us", "Delay (µs)"),
    range = ProtoField.string("netdriver.ack.range", "Packets that arrived"),
    window = ProtoField.uint32("netdriver.window", "Low bits of the limit"),
    channel = ProtoField.uint8("netdriver.channel", "Channel"),
    message = ProtoField.uint16("netdriver.channel.message", "Low bits of the message's number"),
    members = ProtoField.uint8("netdriver.repair.members", "Messages, one bit each", base.HEX),
    repair = ProtoField.bytes("netdriver.repair.data", "Exclusive or"),
    length = ProtoField.uint32("netdriver.frame.length", "Length"),
    offset = ProtoField.uint16("netdriver.part.offset", "Offset", base.DEC, nil, 0x7fff),
    last = ProtoField.bool("netdriver.part.last", "Last piece", 16, nil, LAST_PART),
    part = ProtoField.bytes("netdriver.part.data", "Piece"),
    path = ProtoField.bytes("netdriver.path", "Bytes to return"),
}
M.fields = f

-- Says of a Data packet's message whether it is a Hello.
function M.is_hello(buffer)
    return buffer:len() >= HELLO_SIZE and buffer(0, 4):string() == HELLO_MAGIC
        and buffer(4, 1):uint() > 0
end

function M.dissect_hello(buffer, tree)
    local answer = buffer(5, 1):uint() % 2 == 1
    tree:add(f.hello_version, buffer(4, 1))
    tree:add(f.hello_answer, buffer(5, 1), answer)
    local features = tree:add_le(f.hello_features, buffer(6, 4))
    features:add_le(f.hello_pieces, buffer(6, 4))
    tree:add_le(f.hello_size, buffer(10, 2))
    tree:add_le(f.hello_window, buffer(12, 4))
    tree:add_le(f.hello_pipelines, buffer(16, 4))
    local version = buffer(4, 1):uint()
    -- The other side ignores it.
    local other = version ~= VERSION and " of version " .. version or ""
    return (answer and "Hello, an answer" or "Hello") .. other
end

-- A reader of one packet's frames. Each step gives nil when the bytes are over; then `ok` is false.

local Reader = {}
Reader.__index = Reader

local function reader(buffer, at)
    return setmetatable({ buffer = buffer, at = at, ok = true }, Reader)
end

function Reader:left()
    return self.buffer:len() - self.at
end

function Reader:take(count)
    if not self.ok or self:left() < count then
        self.ok = false
        return nil
    end
    local range = self.buffer(self.at, count)
    self.at = self.at + count
    return range
end

-- A number as in RFC 9000 section 16, without its form of eight bytes: the value and its bytes.
function Reader:varint()
    if not self.ok or self:left() < 1 then
        self.ok = false
        return nil
    end
    local first = self.buffer(self.at, 1):uint()
    local form = math.floor(first / 64)
    local size = ({ [0] = 1, 2, 4 })[form]
    local range = size and self:take(size)
    if range == nil then
        self.ok = false
        return nil
    end
    return range:uint() - form * 2 ^ (8 * size - 2), range
end

-- The bytes of a frame that has a length when its type is odd, or else reaches to the end.
function Reader:body(kind, tree)
    if kind % 2 == 0 then return self:left() > 0 and self:take(self:left()) end
    local length, range = self:varint()
    if length == nil then return nil end
    tree:add(f.length, range, length)
    if self:left() < length then
        self.ok = false
        return nil
    end
    return length > 0 and self:take(length) or false
end

local function low(number)
    return number % LARGEST_RANGE
end

local function add_range(tree, range, first, last)
    local text = first == last and tostring(low(last)) or (low(first) .. "-" .. low(last))
    tree:add(f.range, range, text)
    return text
end

local function dissect_ack(r, tree)
    local largest = r:take(LARGEST_BYTES)
    local delay, delay_range = r:varint()
    local count = r:varint()
    local first, first_range = r:varint()
    if not r.ok or count > ACK_RANGES_MAX then return nil end
    local newest = largest:le_uint()
    tree:add_le(f.largest, largest)
    tree:add(f.delay, delay_range, math.min(delay * ACK_DELAY_UNIT, 0xffffffff))
    local words = { add_range(tree, first_range, newest - first, newest) }
    local start = newest - first
    for _ = 1, count do
        local gap = r:varint()
        local length, range = r:varint()
        if not r.ok then return nil end
        local last = start - gap - 2
        start = last - length
        table.insert(words, add_range(tree, range, start, last))
    end
    return "ack " .. table.concat(words, " ")
end

-- Each gives the word for the column, or nil when the frame is cut short.
local BODIES = {
    [PADDING] = function() return "padding" end,
    [PING] = function() return "ping" end,
    [BLOCKED] = function() return "blocked" end,
    [ACK] = dissect_ack,
    [WINDOW] = function(r, tree)
        local limit = r:take(4)
        if limit == nil then return nil end
        tree:add_le(f.window, limit)
        return "window " .. limit:le_uint()
    end,
    [DELIVERED] = function(r, tree)
        local channel, number = r:take(1), r:take(2)
        if number == nil then return nil end
        tree:add(f.channel, channel)
        tree:add_le(f.message, number)
        return string.format("delivered %d:%d", channel:uint(), number:le_uint())
    end,
}

local function dissect_path(word)
    return function(r, tree)
        local bytes = r:take(8)
        if bytes == nil then return nil end
        tree:add(f.path, bytes)
        return word
    end
end
BODIES[CHALLENGE] = dissect_path("path challenge")
BODIES[RESPONSE] = dissect_path("path response")

local function contents(range)
    return range and range:tvb() or ByteArray.new():tvb("nothing")
end

local function dissect_message(r, tree, kind, inside)
    local pipeline = r:take(1)
    if pipeline == nil then return nil end
    tree:add(inside.pipeline_field, pipeline)
    local data = r:body(kind, tree)
    if data == nil then return nil end
    return "message, " .. inside.dissect(contents(data), tree, pipeline:uint(), false)
end

local function dissect_reliable(r, tree, kind, inside)
    local channel, number = r:take(1), r:take(2)
    if number == nil then return nil end
    tree:add(f.channel, channel)
    tree:add_le(f.message, number)
    local data = r:body(kind, tree)
    if data == nil then return nil end
    local pipeline, carried = channel:uint(), true
    if pipeline == PACKET_CHANNEL then
        if not data then return nil end
        tree:add(inside.pipeline_field, data(0, 1))
        pipeline, carried = data(0, 1):uint(), false
        data = data:len() > 1 and data(1) or false
    end
    local summary = inside.dissect(contents(data), tree, pipeline, carried)
    return string.format("reliable %d, %s", number:le_uint(), summary)
end

local function dissect_repair(r, tree, kind)
    local channel, first, members = r:take(1), r:take(2), r:take(1)
    if members == nil or members:uint() % 2 == 0 or members:uint() == 1 then return nil end
    tree:add(f.channel, channel)
    tree:add_le(f.message, first)
    tree:add(f.members, members)
    local data = r:body(kind, tree)
    if data == nil then return nil end
    if data then tree:add(f.repair, data) end
    return string.format("repair %d:%d of %02x", channel:uint(), first:le_uint(), members:uint())
end

BODIES[PART] = function(r, tree, kind)
    local channel, number, place = r:take(1), r:take(2), r:take(2)
    if place == nil then return nil end
    tree:add(f.channel, channel)
    tree:add_le(f.message, number)
    tree:add_le(f.offset, place)
    tree:add_le(f.last, place)
    local data = r:body(kind, tree)
    if data then tree:add(f.part, data) end
    local offset = place:le_uint() % LAST_PART
    return string.format("piece of %d:%d from %d on", channel:uint(), number:le_uint(), offset)
end

for kind, body in pairs({
    [MESSAGE] = dissect_message,
    [RELIABLE] = dissect_reliable,
    [REPAIR] = dissect_repair,
}) do
    BODIES[kind], BODIES[kind + 1] = body, body
end

local function dissect_frame(r, tree, inside)
    local start = r.at
    local kind = r:take(1)
    local name = FRAMES[kind:uint()]
    local branch = tree:add(inside.proto, kind, name or "Unknown frame")
    branch:add(f.frame, kind)
    local body = BODIES[kind:uint()]
    local word = body and body(r, branch, kind:uint(), inside)
    if word == nil then
        branch:add_proto_expert_info(inside.malformed)
        return nil
    end
    branch:set_len(r.at - start)
    return word
end

-- A session packet behind its type and token, which the caller has shown. `inside` says how what
-- lies in frames is decoded: proto, malformed, pipeline_field, dissect(buffer, tree, pipeline,
-- carried).
function M.dissect(buffer, tree, inside)
    local size = buffer(0, 1):uint() == M.SHORT and 2 or 4
    local r = reader(buffer, 1 + TOKEN_SIZE)
    local number = r:take(size)
    if number == nil then
        tree:add_proto_expert_info(inside.malformed)
        return "Session packet"
    end
    tree:add_le(f.number, number)
    local words = { "Session packet " .. number:le_uint() }
    while r:left() > 0 do
        local word = dissect_frame(r, tree, inside)
        if word == nil then
            table.insert(words, "malformed frame")
            break
        end
        if word ~= "padding" then table.insert(words, word) end
    end
    return table.concat(words, "; ")
end

return M
