-- SPDX-License-Identifier: GPL-2.0
--
-- rill.lua - Wireshark dissector for Rill, version 1 (module/PROTOCOL.md).
--
-- Use:      wireshark -X lua_script:rill.lua          (or tshark)
-- Install:  copy into ~/.local/lib/wireshark/plugins/
--
-- Takes UDP port 7455, and by heuristic any UDP datagram whose header is
-- well-formed, so that traffic between two other ports is found too.  The two
-- directions of a connection have different ids; `udp.stream` joins them.

local rill = Proto("rill", "Rill Transport Protocol")

local HDR, EXT_MAX, VERSION = 24, 512, 1
local TYPES = { [1] = "SYN", [2] = "SYN-ACK", [3] = "ECHO", [4] = "DATA", [5] = "RESET",
		[6] = "DGRAM" }
local ITEMS = { [0] = "END", [1] = "ACK", [2] = "ECN", [3] = "CID", [4] = "PORTS",
		[5] = "PARAMS", [6] = "COOKIE", [7] = "REASON", [8] = "TOKEN",
		[9] = "SKIP", [10] = "CHALLENGE", [11] = "RESPONSE" }
local REASONS = { [0] = "none", [1] = "refused", [2] = "abort", [3] = "stray",
		  [4] = "cookie too old", [5] = "time-out" }
local SOCKS = { [1] = "stream", [5] = "records" }
-- flags a type may have: ECHO and DATA all four, the others none
local FLAGS_OF = { [1] = 0, [2] = 0, [3] = 0x0f, [4] = 0x0f, [5] = 0, [6] = 0 }

local f = {
	version = ProtoField.uint8("rill.version", "Version", base.DEC, nil, 0xf0),
	type = ProtoField.uint8("rill.type", "Type", base.DEC, TYPES, 0x0f),
	flags = ProtoField.uint8("rill.flags", "Flags", base.HEX),
	fin = ProtoField.bool("rill.flags.fin", "FIN", 8, nil, 0x01),
	elicit = ProtoField.bool("rill.flags.elicit", "ELICIT", 8, nil, 0x04),
	now = ProtoField.bool("rill.flags.now", "NOW", 8, nil, 0x08),
	ext_len = ProtoField.uint16("rill.ext_len", "Extension length"),
	cid = ProtoField.uint64("rill.cid", "Receiver's connection id", base.HEX),
	pn = ProtoField.uint32("rill.pn", "Packet number"),
	off = ProtoField.uint32("rill.offset", "Stream offset"),
	credit = ProtoField.uint32("rill.credit", "Credit"),
	payload = ProtoField.bytes("rill.payload", "Payload"),
	item = ProtoField.uint8("rill.item", "Item", base.DEC, ITEMS),
	item_len = ProtoField.uint8("rill.item.len", "Length"),
	item_val = ProtoField.bytes("rill.item.value", "Value"),
	ack = ProtoField.uint32("rill.ack.largest", "Largest"),
	ack_delay = ProtoField.uint32("rill.ack.delay", "Delay (us)"),
	ack_first = ProtoField.uint32("rill.ack.first", "First run"),
	ack_range = ProtoField.string("rill.ack.range", "Range"),
	ect0 = ProtoField.uint32("rill.ecn.ect0", "ECT(0)"),
	ect1 = ProtoField.uint32("rill.ecn.ect1", "ECT(1)"),
	ce = ProtoField.uint32("rill.ecn.ce", "CE"),
	sender = ProtoField.uint64("rill.sender_cid", "Sender's connection id", base.HEX),
	sport = ProtoField.uint16("rill.srcport", "Source port"),
	dport = ProtoField.uint16("rill.dstport", "Destination port"),
	max_payload = ProtoField.uint16("rill.params.max_payload", "Largest payload"),
	max_delay = ProtoField.uint16("rill.params.max_ack_delay", "Largest ack delay (ms)"),
	sock = ProtoField.uint8("rill.params.sock_type", "Socket type", base.DEC, SOCKS),
	skip_from = ProtoField.uint32("rill.skip.from", "Given up from"),
	skip_to = ProtoField.uint32("rill.skip.to", "Given up to"),
	skip_next = ProtoField.uint32("rill.skip.next", "Number of the record behind"),
	max_record = ProtoField.uint32("rill.params.max_record", "Longest record"),
	cookie = ProtoField.bytes("rill.cookie", "Cookie"),
	token = ProtoField.bytes("rill.token", "Token, in a SYN after the length of the data"),
	reason = ProtoField.uint8("rill.reason", "Reason", base.DEC, REASONS),
}
rill.fields = f

local bad = ProtoExpert.new("rill.malformed", "Malformed", expert.group.MALFORMED,
			    expert.severity.ERROR)
rill.experts = { bad }

-- Packet numbers are 32 bits on the wire: going down from a small one wraps.
local function below(n, d)
	return (n - d) % 4294967296
end

-- Each item: a function of its value and its tree, returning a short text, or
-- nothing when the length is not one the item can have.
local item = {}

item[1] = function(v, t)
	if v:len() < 12 or v:len() % 4 ~= 0 or v:len() > 136 then return end
	local high, first = v(0, 4):uint(), v(8, 4):uint()
	local low = below(high, first)
	local text = { first == 0 and tostring(high) or low .. "-" .. high }

	t:add(f.ack, v(0, 4))
	t:add(f.ack_delay, v(4, 4))
	t:add(f.ack_first, v(8, 4))
	t:add(f.ack_range, v(0, 12), text[1])
	for at = 12, v:len() - 4, 4 do
		high = below(low, v(at, 2):uint() + 2)
		low = below(high, v(at + 2, 2):uint())
		text[#text + 1] = low == high and tostring(high) or low .. "-" .. high
		t:add(f.ack_range, v(at, 4), text[#text])
	end
	return "Ack=" .. table.concat(text, ",")
end

item[2] = function(v, t)
	if v:len() ~= 12 then return end
	t:add(f.ect0, v(0, 4))
	t:add(f.ect1, v(4, 4))
	t:add(f.ce, v(8, 4))
	return v(8, 4):uint() > 0 and "CE=" .. v(8, 4):uint() or ""
end

item[3] = function(v, t)
	if v:len() ~= 8 then return end
	t:add(f.sender, v())
	return ""
end

item[4] = function(v, t)
	if v:len() ~= 4 then return end
	t:add(f.sport, v(0, 2))
	t:add(f.dport, v(2, 2))
	return v(0, 2):uint() .. " > " .. v(2, 2):uint()
end

item[5] = function(v, t)
	if v:len() < 6 then return end
	t:add(f.max_payload, v(0, 2))
	t:add(f.max_delay, v(2, 2))
	t:add(f.sock, v(4, 1))
	if v(4, 1):uint() == 5 and v:len() >= 10 then t:add(f.max_record, v(6, 4)) end
	return "Max=" .. v(0, 2):uint()
end

item[6] = function(v, t)
	if v:len() == 0 or v:len() > 64 then return end
	t:add(f.cookie, v())
	return ""
end

item[7] = function(v, t)
	if v:len() ~= 1 then return end
	t:add(f.reason, v())
	return REASONS[v():uint()] or "reason " .. v():uint()
end

-- Empty, it asks for one: see extension().
item[8] = function(v, t)
	if v:len() < 8 or v:len() > 34 then return end
	t:add(f.token, v())
	return "Token"
end

item[9] = function(v, t)
	if v:len() ~= 12 then return end
	t:add(f.skip_from, v(0, 4))
	t:add(f.skip_to, v(4, 4))
	t:add(f.skip_next, v(8, 4))
	return "Skip=" .. v(0, 4):uint() .. ".." .. v(4, 4):uint()
end

-- The items in @buf; adds what is worth a glance to the list @info.
local function extension(buf, tree, info)
	local at, len = 0, buf:len()

	while at < len and buf(at, 1):uint() ~= 0 do
		local type = buf(at, 1):uint()
		local n = at + 1 < len and buf(at + 1, 1):uint()

		if not n or at + 2 + n > len then
			tree:add_proto_expert_info(bad, "item beyond the extension")
			return
		end
		local name = ITEMS[type] or "Unknown " .. type
		local t = tree:add(rill, buf(at, 2 + n), "Item: " .. name)
		t:add(f.item, buf(at, 1))
		t:add(f.item_len, buf(at + 1, 1))
		if n > 0 and item[type] then
			local text = item[type](buf(at + 2, n):tvb(), t)

			if not text then
				t:add_proto_expert_info(bad, "length of " .. name)
			elseif text ~= "" then
				t:append_text(" " .. text)
				info[#info + 1] = text
			end
		elseif n > 0 then
			t:add(f.item_val, buf(at + 2, n))
		elseif type == 8 then
			info[#info + 1] = "Token?"
		elseif item[type] then
			t:add_proto_expert_info(bad, "length of " .. name)
		end
		at = at + 2 + n
	end
	if at < len then
		tree:add(f.item, buf(at, 1)):append_text(", padding")
	end
end

local FLAG_NAMES = { { 0x01, "FIN" }, { 0x02, "PAD" }, { 0x04, "ELICIT" }, { 0x08, "NOW" } }

local function flag_text(flags)
	local names = {}

	for _, fl in ipairs(FLAG_NAMES) do
		if math.floor(flags / fl[1]) % 2 == 1 then names[#names + 1] = fl[2] end
	end
	return #names > 0 and " [" .. table.concat(names, ",") .. "]" or ""
end

function rill.dissector(buf, pinfo, root)
	local len = buf:len()

	if len < HDR or math.floor(buf(0, 1):uint() / 16) ~= VERSION then return 0 end
	local type, ext_len = buf(0, 1):uint() % 16, buf(2, 2):uint()
	local name = TYPES[type] or "type " .. type
	local tree = root:add(rill, buf(), "Rill, " .. name)

	pinfo.cols.protocol = "Rill"
	tree:add(f.version, buf(0, 1))
	tree:add(f.type, buf(0, 1))
	local fl = tree:add(f.flags, buf(1, 1))
	for _, k in ipairs({ "fin", "elicit", "now" }) do fl:add(f[k], buf(1, 1)) end
	tree:add(f.ext_len, buf(2, 2))
	tree:add(f.cid, buf(4, 8))
	local pn = tree:add(f.pn, buf(12, 4))
	if type == 1 or type == 2 then pn:append_text(" (attempt)") end
	if type == 5 then pn:append_text(" (quoted)") end
	tree:add(f.off, buf(16, 4))
	local credit = tree:add(f.credit, buf(20, 4))
	if type == 6 then credit:append_text(" (length)") end

	local info = { name .. flag_text(buf(1, 1):uint()) }
	if type ~= 6 then info[1] = info[1] .. " Num=" .. buf(12, 4):uint() end
	if HDR + ext_len > len or ext_len > EXT_MAX then
		tree:add_proto_expert_info(bad, "extension length")
		pinfo.cols.info = info[1] .. " [malformed]"
		return len
	end
	local more = {}
	if ext_len > 0 then
		extension(buf(HDR, ext_len):tvb(),
			  tree:add(rill, buf(HDR, ext_len), "Extension"), more)
	end
	local body = len - HDR - ext_len
	if type == 3 or type == 4 then
		info[#info + 1] = "Off=" .. buf(16, 4):uint()
		info[#info + 1] = "Credit=" .. buf(20, 4):uint()
		info[#info + 1] = "Len=" .. body
	end
	if type == 6 then
		info[#info + 1] = "Len=" .. body
		if body ~= buf(20, 4):uint() then credit:add_proto_expert_info(bad, "length") end
	end
	if body > 0 then
		local t = tree:add(f.payload, buf(HDR + ext_len))
		if type == 1 then t:append_text(" (padding, data at its end after a token)") end
	end
	for _, text in ipairs(more) do info[#info + 1] = text end
	pinfo.cols.info = table.concat(info, " ")
	return len
end

-- A header that could be nothing else: version and type, flags the type allows,
-- an extension that fits and begins with an item that can be there.
local function heuristic(buf, pinfo, root)
	local len = buf:len()

	if len < HDR or math.floor(buf(0, 1):uint() / 16) ~= VERSION then return false end
	local allowed = FLAGS_OF[buf(0, 1):uint() % 16]
	local ext_len = buf(2, 2):uint()
	if not allowed or buf(1, 1):uint() > allowed then return false end
	if ext_len > EXT_MAX or HDR + ext_len > len then return false end
	if ext_len > 0 then
		local first = buf(HDR, 1):uint()
		local n = ext_len > 1 and buf(HDR + 1, 1):uint() or 0

		if first == 0 or first > 8 or 2 + n > ext_len then return false end
	end
	rill.dissector(buf, pinfo, root)
	return true
end

DissectorTable.get("udp.port"):add(7455, rill)
rill:register_heuristic("udp", heuristic)
