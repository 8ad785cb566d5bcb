-- Wireshark dissector for netdriver's and Unity Transport's protocol (UTP v1), over UDP, over
-- WebSocket binary messages and over TCP frames. README.md beside it says how to install it.
--
-- Written for Wireshark 3.6 and later: no operator that Lua 5.1 does not have.

local folder = debug.getinfo(1, "S").source:match("^@(.*[/\\])") or ""
local session = dofile(folder .. "netdriver_session.lua")

local utp = Proto("netdriver", "netdriver (Unity Transport)")
local framed = Proto("netdriver_tcp", "netdriver over TCP")

local REQUEST, ACCEPT = 1, 2
local DATA, DISCONNECT, HEARTBEAT, MTU_CHECK, MTU_ACK = 1, 2, 3, 4, 5
local RETRY, COOKIE_REQUEST = 0xf1, 0xf2
local TOKEN_SIZE, HEADER_SIZE, HANDSHAKE_SIZE, COOKIE_SIZE = 8, 9, 13, 4
local WINDOW_DEFAULT = 32

local HANDSHAKES = { [REQUEST] = "ConnectionRequest", [ACCEPT] = "ConnectionAccept" }
local MESSAGES = {
    [DATA] = "Data",
    [DISCONNECT] = "Disconnect",
    [HEARTBEAT] = "Heartbeat",
    [MTU_CHECK] = "MtuCheck",
    [MTU_ACK] = "MtuAck",
    [RETRY] = "Retry",
    [COOKIE_REQUEST] = "ConnectionRequest with a cookie",
}
for kind, name in pairs(session.KINDS) do
    MESSAGES[kind] = name
end
local RELIABLE_KINDS = { [0] = "Payload", [1] = "Ack" }

-- Fields

local f = {
    version = ProtoField.uint8("netdriver.version", "Version"),
    handshake = ProtoField.uint8("netdriver.handshake", "Handshake", base.DEC, HANDSHAKES),
    message = ProtoField.uint8("netdriver.message", "Message", base.DEC, MESSAGES),
    token = ProtoField.bytes("netdriver.token", "Token"),
    cookie = ProtoField.bytes("netdriver.cookie", "Cookie"),
    payload_length = ProtoField.uint16("netdriver.payload_length", "Length of the payload"),
    payload = ProtoField.bytes("netdriver.payload", "Payload of the handshake"),
    pipeline = ProtoField.uint8("netdriver.pipeline", "Pipeline"),
    stages = ProtoField.string("netdriver.stages", "Stages"),
    guessed = ProtoField.bool("netdriver.stages.guessed", "Stages are guessed"),
    accepted_in = ProtoField.framenum("netdriver.accepted_in", "Accepted in", base.NONE,
        frametype.RESPONSE),
    accept_of = ProtoField.framenum("netdriver.accept_of", "Accept of the request in", base.NONE,
        frametype.REQUEST),
    resend_of = ProtoField.framenum("netdriver.reliable.resend_of", "Sent before in"),
    data = ProtoField.bytes("netdriver.data", "Data"),
    data_length = ProtoField.uint32("netdriver.data.length", "Bytes of data"),
    probe_padding = ProtoField.uint16("netdriver.mtu.padding", "Bytes that fill the probe"),
    probe_size = ProtoField.uint16("netdriver.mtu.size", "Size of the probe"),
    fragment_sequence = ProtoField.uint16("netdriver.fragment.sequence", "Fragment number"),
    fragment_first = ProtoField.bool("netdriver.fragment.first", "First fragment"),
    fragment_last = ProtoField.bool("netdriver.fragment.last", "Last fragment"),
    useq = ProtoField.uint16("netdriver.useq.sequence", "Sequence number"),
    kind = ProtoField.uint8("netdriver.reliable.kind", "Kind", base.DEC, RELIABLE_KINDS),
    mask_length = ProtoField.uint8("netdriver.reliable.mask_length", "Bytes of mask"),
    processing = ProtoField.uint16("netdriver.reliable.processing_ms", "Processing time (ms)"),
    sequence = ProtoField.uint16("netdriver.reliable.sequence", "Sequence number"),
    acked = ProtoField.uint16("netdriver.reliable.acked", "Newest received"),
    mask = ProtoField.bytes("netdriver.reliable.mask", "Mask"),
    missing = ProtoField.uint16("netdriver.reliable.missing", "Missing"),
    frame_length = ProtoField.uint16("netdriver.frame_length", "Length of the frame"),
}
for name, field in pairs(session.fields) do
    f["session_" .. name] = field
end
utp.fields = f

local e = {
    malformed = ProtoExpert.new("netdriver.malformed", "Malformed packet", expert.group.MALFORMED,
        expert.severity.ERROR),
    unknown = ProtoExpert.new("netdriver.unknown", "Unknown, so a receiver drops it",
        expert.group.UNDECODED, expert.severity.WARN),
    length = ProtoExpert.new("netdriver.payload_length.wrong",
        "The length of the payload is wrong: a server drops the request", expert.group.PROTOCOL,
        expert.severity.WARN),
    window = ProtoExpert.new("netdriver.reliable.class",
        "The mask is none of this window's: the two sides have different pipelines",
        expert.group.PROTOCOL, expert.severity.WARN),
}
utp.experts = e

-- Preferences

utp.prefs.pipelines = Pref.string("Pipelines", "",
    "Stages of the pipelines in the order of their creation, so with ids 1, 2, …: for example "
    .. "frag;useq;reliable:32;frag,reliable:32. Stages: null, frag, useq, reliable:WINDOW, "
    .. "custom:HEADER_BYTES. Pipelines that are not named here are guessed")
utp.prefs.guess = Pref.bool("Guess the stages of other pipelines", true,
    "From the first packet of a pipeline after its connection began")
utp.prefs.udp_ports = Pref.range("UDP ports", "", "Ports that carry nothing else", 65535)
framed.prefs.tcp_ports = Pref.range("TCP ports", "", "Ports that carry framed packets", 65535)

-- What is known of connections: filled in the first pass over a capture, and only read later.

local known = {}
-- By token in hex: { guesses = { [pipeline] = stages }, requested, accepted = frame numbers,
-- sent = { [sender and pipeline] = { newest, frames = { [sequence number] = frame } } } }.

local resends = {}
-- By frame and sequence number: the frame that carried the packet first.

local named = {}
-- By pipeline: its stages, from the preference.

local UNKNOWN_STAGES = {}

local function stage_named(word)
    local name, number = word:match("^%s*(%a+):?(%d*)%s*$")
    number = tonumber(number)
    if name == "null" then return { name = name, size = 0 } end
    if name == "frag" or name == "useq" then return { name = name, size = 2 } end
    if name == "custom" then return { name = name, size = number or 0 } end
    if name == "reliable" then
        local window = math.ceil((number or WINDOW_DEFAULT) / 8) * 8
        return { name = name, window = window }
    end
    return nil
end

local function stages_named(text)
    local pipelines = {}
    for list in text:gmatch("[^;]+") do
        local stages = {}
        for word in list:gmatch("[^,]+") do
            local stage = stage_named(word)
            if stage == nil then return {} end
            table.insert(stages, stage)
        end
        table.insert(pipelines, stages)
    end
    return pipelines
end

local function describe(stages)
    local words = {}
    for _, stage in ipairs(stages) do
        local detail = stage.window and (":" .. stage.window) or ""
        table.insert(words, stage.name .. detail)
    end
    return #words > 0 and table.concat(words, ",") or "unknown"
end

-- Guessing

local function all_bytes_are(buffer, from, count, value)
    for at = from, from + count - 1 do
        if buffer(at, 1):uint() ~= value then return false end
    end
    return true
end

-- A window whose class fits the first reliable packet of a connection, and the header's size.
local function guess_reliable(buffer)
    if buffer:len() < 9 or buffer(0, 1):uint() > 1 or buffer(4, 2):le_uint() ~= 0 then
        return nil
    end
    local long = buffer(1, 1):uint()
    local size = long > 0 and long or 4
    local nothing_yet = buffer(6, 2):le_uint() == 0xffff
    if buffer:len() < 8 + size or not (nothing_yet or buffer(6, 2):le_uint() < 64) then
        return nil
    end
    local fill = buffer(8, 1):uint()
    if (fill ~= 0 and fill ~= 255) or not all_bytes_are(buffer, 8, size, fill) then return nil end
    if long > 0 then return math.max(long * 8, 72), 8 + size end
    if buffer:len() >= 16 and all_bytes_are(buffer, 12, 4, fill) then return 64, 16 end
    return 32, 12
end

local function is_first_fragment(buffer)
    if buffer:len() < 2 then return false end
    local value = buffer(0, 2):le_uint()
    return value == 0xc000 or value == 0x8000
end

-- Stages that fit the first packet of a pipeline; in doubt none.
local function guess(buffer)
    local stages = {}
    local window, size = guess_reliable(buffer)
    if window then
        local rest = buffer:len() > size and buffer(size):tvb() or nil
        if rest and is_first_fragment(rest) then table.insert(stages, stage_named("frag")) end
        table.insert(stages, { name = "reliable", window = window, any = true })
    elseif is_first_fragment(buffer) then
        table.insert(stages, stage_named("frag"))
    elseif buffer:len() >= 2 and buffer(0, 2):le_uint() == 0 then
        local rest = buffer:len() > 2 and buffer(2):tvb() or nil
        if rest and is_first_fragment(rest) then table.insert(stages, stage_named("frag")) end
        table.insert(stages, stage_named("useq"))
    end
    return stages
end

-- The stages of a pipeline and whether they are a guess.
local function stages_of(token, pipeline, buffer, visited)
    if named[pipeline] then return named[pipeline], false end
    local connection = known[token]
    if not utp.prefs.guess or connection == nil then return UNKNOWN_STAGES, false end
    if connection.guesses[pipeline] == nil and not visited then
        connection.guesses[pipeline] = guess(buffer)
    end
    return connection.guesses[pipeline] or UNKNOWN_STAGES, true
end

-- Headers of stages: each adds to the tree and returns the size of its header and a word for the
-- column; nil when the bytes are not such a header, false when it has said what is wrong.

local function dissect_fragment(buffer, tree)
    if buffer:len() < 2 then return nil end
    local value = buffer(0, 2):le_uint()
    local number = value % 0x4000
    local first, last = value >= 0x8000, value % 0x8000 >= 0x4000
    local branch = tree:add(utp, buffer(0, 2), "Fragmentation")
    branch:add(f.fragment_sequence, buffer(0, 2), number)
    branch:add(f.fragment_first, buffer(0, 2), first)
    branch:add(f.fragment_last, buffer(0, 2), last)
    local place = first and (last and "whole" or "first") or (last and "last" or "middle")
    return 2, string.format("fragment %d (%s)", number, place)
end

local function dissect_useq(buffer, tree)
    if buffer:len() < 2 then return nil end
    local branch = tree:add(utp, buffer(0, 2), "UnreliableSequenced")
    branch:add_le(f.useq, buffer(0, 2))
    return 2, string.format("seq %d", buffer(0, 2):le_uint())
end

-- Bytes of mask for a window, or nil when the packet has another class.
local function mask_size(buffer, stage)
    local stated = buffer(1, 1):uint()
    if stage.window > 64 then return stated > 0 and stated or nil end
    if stated ~= 0 then return nil end
    return stage.window <= 32 and 4 or 8
end

local function add_missing(buffer, branch, acked)
    for byte = 0, buffer:len() - 1 do
        local value = buffer(byte, 1):uint()
        for bit = 0, 7 do
            local behind = byte * 8 + bit
            if value % 2 == 0 and behind <= acked then
                branch:add(f.missing, buffer(byte, 1), (acked - behind) % 0x10000)
            end
            value = math.floor(value / 2)
        end
    end
end

-- Which frame carried a reliable packet before this one, as far as the capture goes.
local function earlier_frame(pinfo, token, pipeline, sequence)
    local key = pinfo.number .. ":" .. pipeline .. ":" .. sequence
    local connection = known[token]
    if pinfo.visited or connection == nil then return resends[key] end
    local sender = tostring(pinfo.src) .. ":" .. pinfo.src_port .. ":" .. pipeline
    local stream = connection.sent[sender] or { newest = -1, frames = {} }
    connection.sent[sender] = stream
    if stream.newest < 0 or (sequence - stream.newest - 1) % 0x10000 < 0x7fff then
        stream.newest = sequence
        stream.frames[(sequence + 0x8000) % 0x10000] = nil
    elseif stream.frames[sequence] then
        resends[key] = stream.frames[sequence]
        return resends[key]
    end
    stream.frames[sequence] = pinfo.number
    return nil
end

local function dissect_reliable(buffer, tree, stage, where)
    if buffer:len() < 8 then return nil end
    local size = mask_size(buffer, stage)
    if size == nil then
        tree:add_proto_expert_info(e.window)
        return false
    end
    if buffer:len() < 8 + size then return nil end
    local branch = tree:add(utp, buffer(0, 8 + size), "ReliableSequenced")
    branch:add(f.kind, buffer(0, 1))
    branch:add(f.mask_length, buffer(1, 1))
    branch:add_le(f.processing, buffer(2, 2))
    branch:add_le(f.sequence, buffer(4, 2))
    branch:add_le(f.acked, buffer(6, 2))
    branch:add(f.mask, buffer(8, size))
    local acked = buffer(6, 2):le_uint()
    if acked ~= 0xffff then add_missing(buffer(8, size):tvb(), branch, acked) end
    local newest = acked == 0xffff and "none" or tostring(acked)
    if buffer(0, 1):uint() == 1 then return 8 + size, "ack " .. newest, true end
    local sequence = buffer(4, 2):le_uint()
    local before = earlier_frame(where.pinfo, where.token, where.pipeline, sequence)
    if before then branch:add(f.resend_of, before):set_generated() end
    local again = before and " again" or ""
    return 8 + size, string.format("seq %d%s, ack %s", sequence, again, newest)
end

local function dissect_custom(buffer, tree, stage)
    if buffer:len() < stage.size then return nil end
    if stage.size > 0 then tree:add(utp, buffer(0, stage.size), "Custom stage") end
    return stage.size
end

local STAGES = {
    null = dissect_custom,
    custom = dissect_custom,
    frag = dissect_fragment,
    useq = dissect_useq,
    reliable = dissect_reliable,
}

local function rest_of(buffer, from)
    return buffer:len() > from and buffer(from):tvb() or ByteArray.new():tvb("nothing")
end

-- Between netdriver peers a session carries what Reliable at the end of a pipeline would do.
local function without_carried(stages)
    local rest = {}
    for at = 1, #stages - 1 do
        rest[at] = stages[at]
    end
    return rest
end

-- Everything behind the pipeline's number. Returns what the column says.
local function dissect_pipeline(buffer, pinfo, tree, token, pipeline, carried)
    local words = { "pipeline " .. pipeline }
    local at, only_ack = 0, false
    if pipeline > 0 then
        local stages, guessed = stages_of(token, pipeline, buffer, pinfo.visited or carried)
        if carried then stages = without_carried(stages) end
        tree:add(f.stages, describe(stages)):set_generated()
        if guessed then tree:add(f.guessed, true):set_generated() end
        local where = { pinfo = pinfo, token = token, pipeline = pipeline }
        for number = #stages, 1, -1 do
            local stage = stages[number]
            local size, word, ends = STAGES[stage.name](rest_of(buffer, at), tree, stage, where)
            if not size then
                if size == nil then tree:add_proto_expert_info(e.malformed) end
                break
            end
            at = at + size
            if word then table.insert(words, word) end
            if ends then
                only_ack = true
                break
            end
        end
    end
    local length = buffer:len() - at
    if not only_ack then
        tree:add(f.data_length, length):set_generated()
        if length > 0 then tree:add(f.data, buffer(at)) end
        table.insert(words, length .. " bytes")
    end
    return table.concat(words, ", ")
end

-- Messages

local function token_of(buffer, at)
    return buffer(at, TOKEN_SIZE):bytes():tohex()
end

local function is_handshake(buffer)
    return buffer:len() >= HANDSHAKE_SIZE and buffer(0, 3):string() == "UTP"
end

-- Remembers a connection, and links its request and its accept to each other.
local function relate_handshake(pinfo, tree, token, kind)
    local connection = known[token]
    if connection == nil then
        connection = { guesses = {}, sent = {} }
        known[token] = connection
    end
    if kind == REQUEST then
        connection.requested = connection.requested or pinfo.number
        if connection.accepted then
            tree:add(f.accepted_in, connection.accepted):set_generated()
        end
    elseif kind == ACCEPT then
        connection.accepted = connection.accepted or pinfo.number
        if connection.requested then
            tree:add(f.accept_of, connection.requested):set_generated()
        end
    end
end

-- What stands behind a handshake of 13 bytes. Returns what the column says of it.
local function dissect_payload(buffer, tree)
    local trailing = buffer:len() - HANDSHAKE_SIZE
    if trailing <= 2 then return "" end
    local length = buffer(HANDSHAKE_SIZE, 2):le_uint()
    tree:add_le(f.payload_length, buffer(HANDSHAKE_SIZE, 2))
    tree:add(f.payload, buffer(HANDSHAKE_SIZE + 2))
    if length ~= trailing - 2 then tree:add_proto_expert_info(e.length) end
    return string.format(" with %d bytes", trailing - 2)
end

local function dissect_handshake(buffer, pinfo, tree)
    local kind = buffer(4, 1):uint()
    tree:add(f.version, buffer(3, 1))
    tree:add(f.handshake, buffer(4, 1))
    tree:add(f.token, buffer(5, TOKEN_SIZE))
    local token = token_of(buffer, 5)
    relate_handshake(pinfo, tree, token, kind)
    if HANDSHAKES[kind] == nil or buffer(3, 1):uint() ~= 1 then
        tree:add_proto_expert_info(e.unknown)
        return "unknown handshake"
    end
    return HANDSHAKES[kind] .. dissect_payload(buffer, tree)
end

-- Between netdriver peers under load: a cookie that proves an address.
local function dissect_cookie(buffer, _, tree)
    local kind = buffer(0, 1):uint()
    if buffer:len() < HANDSHAKE_SIZE then
        tree:add_proto_expert_info(e.malformed)
        return MESSAGES[kind]
    end
    tree:add(f.cookie, buffer(HEADER_SIZE, COOKIE_SIZE))
    return MESSAGES[kind] .. (kind == COOKIE_REQUEST and dissect_payload(buffer, tree) or "")
end

local function dissect_data(buffer, pinfo, tree, token)
    if buffer:len() == HEADER_SIZE then
        tree:add_proto_expert_info(e.malformed)
        return "Data without a pipeline"
    end
    local pipeline = buffer(HEADER_SIZE, 1):uint()
    tree:add(f.pipeline, buffer(HEADER_SIZE, 1))
    local rest = rest_of(buffer, HEADER_SIZE + 1)
    if pipeline == session.HELLO_PIPELINE and session.is_hello(rest) then
        return session.dissect_hello(rest, tree)
    end
    return "Data, " .. dissect_pipeline(rest, pinfo, tree, token, pipeline)
end

local function dissect_mtu_check(buffer, _, tree)
    if buffer:len() < HEADER_SIZE + 2 then
        tree:add_proto_expert_info(e.malformed)
        return "MtuCheck"
    end
    tree:add_le(f.probe_padding, buffer(HEADER_SIZE, 2))
    return string.format("MtuCheck of %d bytes", buffer:len())
end

local function dissect_mtu_ack(buffer, _, tree)
    if buffer:len() < HEADER_SIZE + 4 then
        tree:add_proto_expert_info(e.malformed)
        return "MtuAck"
    end
    tree:add_le(f.probe_size, buffer(HEADER_SIZE + 2, 2))
    return string.format("MtuAck of %d bytes", buffer(HEADER_SIZE + 2, 2):le_uint())
end

local function dissect_session(buffer, pinfo, tree, token)
    return session.dissect(buffer, tree, {
        proto = utp,
        malformed = e.malformed,
        pipeline_field = f.pipeline,
        dissect = function(contents, branch, pipeline, carried)
            return dissect_pipeline(contents, pinfo, branch, token, pipeline, carried)
        end,
    })
end

local BODIES = {
    [RETRY] = dissect_cookie,
    [COOKIE_REQUEST] = dissect_cookie,
    [session.SHORT] = dissect_session,
    [session.LONG] = dissect_session,
    [DATA] = dissect_data,
    [MTU_CHECK] = dissect_mtu_check,
    [MTU_ACK] = dissect_mtu_ack,
}

local function dissect_message(buffer, pinfo, tree)
    local kind = buffer(0, 1):uint()
    tree:add(f.message, buffer(0, 1))
    tree:add(f.token, buffer(1, TOKEN_SIZE))
    if MESSAGES[kind] == nil then
        tree:add_proto_expert_info(e.unknown)
        return "unknown message"
    end
    if BODIES[kind] then return BODIES[kind](buffer, pinfo, tree, token_of(buffer, 1)) end
    return MESSAGES[kind]
end

-- `put` shows the summary in the column.
local function dissect(buffer, pinfo, root, put)
    pinfo.cols.protocol = "UTP"
    local tree = root:add(utp, buffer())
    local summary
    if is_handshake(buffer) then
        summary = dissect_handshake(buffer, pinfo, tree)
    elseif buffer:len() >= HEADER_SIZE then
        summary = dissect_message(buffer, pinfo, tree)
    else
        tree:add_proto_expert_info(e.malformed)
        summary = "malformed packet"
    end
    tree:append_text(": " .. summary)
    put(pinfo, summary)
    return buffer:len()
end

local function set_info(pinfo, summary)
    pinfo.cols.info = summary
end

local function append_info(pinfo, summary)
    pinfo.cols.info:append(" " .. summary)
end

function utp.dissector(buffer, pinfo, root)
    return dissect(buffer, pinfo, root, set_info)
end

-- Is this ours? A handshake says so itself; all else is recognized by a token that was seen.
local function recognize(buffer)
    if is_handshake(buffer) then
        return buffer(3, 1):uint() == 1 and HANDSHAKES[buffer(4, 1):uint()] ~= nil
    end
    return buffer:len() >= HEADER_SIZE and MESSAGES[buffer(0, 1):uint()] ~= nil
        and known[token_of(buffer, 1)] ~= nil
end

utp:register_heuristic("udp", function(buffer, pinfo, root)
    if not recognize(buffer) then return false end
    pinfo.conversation = utp
    dissect(buffer, pinfo, root, set_info)
    return true
end)

utp:register_heuristic("ws", function(buffer, pinfo, root)
    if not recognize(buffer) then return false end
    dissect(buffer, pinfo, root, append_info)
    return true
end)

-- TCP: a length of two bytes, most significant first, in front of each packet

local function frame_length(buffer, _, offset)
    return 2 + buffer(offset, 2):uint()
end

local function dissect_frame(buffer, pinfo, root)
    root:add(f.frame_length, buffer(0, 2))
    if buffer:len() > 2 then dissect(buffer(2):tvb(), pinfo, root, append_info) end
    return buffer:len()
end

function framed.dissector(buffer, pinfo, root)
    pinfo.cols.info = ""
    dissect_tcp_pdus(buffer, root, 2, frame_length, dissect_frame)
    return buffer:len()
end

framed:register_heuristic("tcp", function(buffer, pinfo, root)
    local ours = buffer:len() >= 2 + HANDSHAKE_SIZE
        and buffer(0, 2):uint() >= HANDSHAKE_SIZE and buffer(0, 2):uint() <= 1472
        and recognize(buffer(2):tvb())
    if not ours then return false end
    pinfo.conversation = framed
    framed.dissector(buffer, pinfo, root)
    return true
end)

-- Wireshark calls these when a capture is opened and when a preference changes.

function utp.init()
    known, resends = {}, {}
    named = stages_named(utp.prefs.pipelines)
end

local udp_ports, tcp_ports

function utp.prefs_changed()
    named = stages_named(utp.prefs.pipelines)
    local ports = DissectorTable.get("udp.port")
    if udp_ports then ports:remove(udp_ports, utp) end
    udp_ports = utp.prefs.udp_ports
    if udp_ports ~= "" then ports:add(udp_ports, utp) end
end

function framed.prefs_changed()
    local ports = DissectorTable.get("tcp.port")
    if tcp_ports then ports:remove(tcp_ports, framed) end
    tcp_ports = framed.prefs.tcp_ports
    if tcp_ports ~= "" then ports:add(tcp_ports, framed) end
end
