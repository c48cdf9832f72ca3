-- SPDX-License-Identifier: BSD-3-Clause
-- The rate without loss (RFC 2544, 26.1) by Pktgen-DPDK, from port 0 through wgdp to port 1, for each size; to be started by `run` beside it,
-- which hands over all settings in the environment. A line of CSV each.
--
-- Pktgen's sizes are those of Ethernet frames with their checksum; its rates are percent of the link. A trial sends a fixed number of packets,
-- so that what is counted at the end is whole; a rate at which pktgen itself does not get them out in time is too high, like one that loses.

local function setting(name, default)
	local value = os.getenv("WGDP_PKTGEN_" .. name) or default
	assert(value, "WGDP_PKTGEN_" .. name .. " is not set: start this by bench/pktgen-dpdk/run")
	return value
end

local sizes = {}
for size in setting("SIZES"):gmatch("%d+") do
	sizes[#sizes + 1] = tonumber(size)
end
local tunnels = tonumber(setting("TUNNELS"))
local seconds = tonumber(setting("SECONDS"))
local resolution = tonumber(setting("RESOLUTION"))	-- percent of the rate
local loss = tonumber(setting("LOSS")) / 100		-- share that may be lost
local mac = setting("MAC")				-- of wgdp's LAN port
local out = assert(io.open(setting("OUT"), "w"))
local from, to = "0", "1"
local slack = 1.02	-- times the planned duration that sending may take

-- 10.NET.0.0 + k
local function address(net, k)
	return string.format("10.%d.%d.%d", net, k // 256, k % 256)
end

-- One value, or a row of them.
local function range(what, first, last, step)
	local set = pktgen.range[what]
	set(from, "start", first)
	set(from, "min", first)
	set(from, "max", last or first)
	set(from, "inc", step or 0)
end

-- A packet for each tunnel in turn, the next one for the next.
local function set_up()
	local last = tunnels - 1
	pktgen.reset("all")
	pktgen.range.ip_proto(from, "udp")
	pktgen.range.dst_mac(from, "start", mac)
	local step = tunnels > 1 and "0.0.0.1" or "0.0.0.0"
	range("src_ip", address(254, 0), address(254, last), step)
	range("dst_ip", address(253, 0), address(253, last), step)
	range("src_port", 1000)
	range("dst_port", 1001)
	range("ttl", 64)
	pktgen.set_range(from, "on")
end

-- Packets a second that the link carries: a frame has 20 bytes of preamble and gap around it.
local function link_pps(size)
	local mbit = tonumber(tostring(pktgen.linkState(from)[0]):match("%d+"))
	assert(mbit and mbit > 0, "the link of port 0 is down")
	return mbit * 1e6 / ((size + 20) * 8)
end

local function counts()
	return pktgen.portStats(from, "port")[0].opackets, pktgen.portStats(to, "port")[1].ipackets
end

-- Whether that percentage of the link's rate gets through.
local function trial(size, percent)
	local pps = link_pps(size) * percent / 100
	local n = math.max(1, math.floor(pps * seconds))
	pktgen.clr()
	range("pkt_size", size)
	pktgen.set(from, "rate", percent)
	pktgen.set(from, "count", n)
	pktgen.start(from)
	pktgen.delay(math.ceil(seconds * slack * 1000))
	local in_time = counts()
	pktgen.stop(from)
	pktgen.delay(2000)	-- RFC 2544, 23: what is still on its way
	local sent, received = counts()
	print(string.format("%5d bytes, %7.3f %%: sent %d of %d, received %d", size, percent, sent, n, received))
	return in_time >= n and sent - received <= loss * sent, sent, received
end

-- Two packets a tunnel, slowly: sessions, neighbours, and that everything is wired up at all.
local function settle(size)
	for _ = 1, 10 do
		local percent = math.max(0.001, 100 * 2 * tunnels / seconds / link_pps(size))
		local _, sent, received = trial(size, percent)
		if sent > 0 and received >= sent then
			return
		end
	end
	error(string.format("%d bytes, %d tunnels: not even a few packets get through", size, tunnels))
end

-- The highest percentage without loss, and how many trials that took.
local function search(size)
	local low, high, percent, trials = 0, 100, 100, 0
	while high - low > resolution / 100 * high and high > 0.01 do
		local good = trial(size, percent)
		trials = trials + 1
		if good then
			low = percent
		else
			high = percent
		end
		percent = (low + high) / 2
		if low == 100 then
			break
		end
	end
	return low, trials
end

set_up()
out:write("frame,tunnels,percent,lossless_pps,lossless_gbit,seconds,resolution,loss,trials\n")
for _, size in ipairs(sizes) do
	settle(size)
	local percent, trials = search(size)
	local pps = link_pps(size) * percent / 100
	out:write(string.format("%d,%d,%.3f,%.0f,%.3f,%g,%g,%g,%d\n", size, tunnels, percent, pps, pps * (size - 18) * 8 / 1e9, seconds, resolution,
		loss * 100, trials))
	out:flush()
end
out:close()
pktgen.set_range(from, "off")
pktgen.quit()
