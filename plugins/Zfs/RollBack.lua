-- Rolls a volume back to a snapshot in one transaction: all that is told to go goes, or nothing does. zfs-program(8).
-- VOLUME LABEL PROPERTY VALUE NEWER...: the newer snapshots, which are destroyed; any other newer one stops it.
-- Returns what stops it and an errno, and 0 when it is done.
local argv = (...)["argv"]
local volume, label, property, value = argv[1], argv[2], argv[3], argv[4]
local target = volume .. "@" .. label

local told = {}
for i = 5, #argv do told[argv[i]] = true end

local made = zfs.get_prop(target, "createtxg")
local newer = {}
for snapshot in zfs.list.snapshots(volume) do
    if zfs.get_prop(snapshot, "createtxg") > made then
        if not told[snapshot] then return { ["what"] = snapshot, ["errno"] = 17 } end
        local refused = zfs.check.destroy(snapshot)
        if refused ~= 0 then return { ["what"] = snapshot, ["errno"] = refused } end
        newer[#newer + 1] = snapshot
    end
end

local refused = zfs.check.rollback(volume)
if refused ~= 0 then return { ["what"] = volume, ["errno"] = refused } end

for i = 1, #newer do
    refused = zfs.sync.destroy(newer[i])
    if refused ~= 0 then return { ["what"] = newer[i], ["errno"] = refused } end
end
refused = zfs.sync.rollback(volume)
if refused ~= 0 then return { ["what"] = volume, ["errno"] = refused } end
zfs.sync.set_prop(volume, property, value)
return { ["what"] = volume, ["errno"] = 0 }
