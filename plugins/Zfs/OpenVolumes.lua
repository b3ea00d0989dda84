-- Which of these volumes somebody has open, be it the kernel, and which file systems are mounted: zfs-program(8). What is open can be neither destroyed nor rolled back,
-- and one that has snapshots can't be destroyed in any case.
local EBUSY = 16
local open = {}
for _, volume in ipairs((...)["argv"]) do
    if zfs.check.destroy(volume) == EBUSY then
        local snapshots = zfs.list.snapshots(volume)
        if snapshots() == nil or zfs.check.rollback(volume) == EBUSY then open[#open + 1] = volume end
    end
end
return open
