using EveStorage.Linux;

namespace EveStorage.Lvm;

/// <summary>
/// What making a thin volume agrees on. LVM commits the logical volume and what the kernel has to be told for it, tells the kernel,
/// and then the kernel takes the transaction's number over. A power cut in between leaves a logical volume without a thin device, or with
/// one that the kernel refuses to make a second time: activating mends neither, and no later change of the pool gets past the latter.
/// </summary>
internal static class ThinTransaction
{
    /// <summary>Finishes a making that was cut short. Whose volume it is then decides whether it stays.</summary>
    /// <returns>Whether there was one.</returns>
    internal static async Task<bool> FinishAsync(VolumeGroup group, IReadOnlyList<LogicalVolume> all, CancellationToken cancellationToken)
    {
        DeviceMapper mapper = group.Tools.Mapper;
        if (all.FirstOrDefault(lv => lv.Name == LvName.ThinPool)?.Transaction is not long wanted
            || await mapper.FindTransactionAsync(group.ThinPoolDevice, cancellationToken) is not long now || now != wanted - 1)
        {
            return false;
        }

        // One that the kernel knows is of an earlier transaction. Where none is, a deletion was cut short, which LVM repeats by itself.
        LogicalVolume? made = all.SingleOrDefault(lv => lv.IsThin && lv.Transaction == now);
        if (made?.ThinId is not long number)
        {
            return false;
        }

        long? source = all.FirstOrDefault(lv => lv.Name == made.Origin)?.ThinId;
        try
        {
            // What is active has its thin device. Whether the kernel has made it for one that is not, nothing tells.
            if (DeviceMapper.Find(group.DeviceOf(made.Name)) is null)
            {
                await ForgetAsync(group, number, cancellationToken);
                await mapper.SendAsync(group.ThinPoolDevice, source is null ? $"create_thin {number}" : $"create_snap {number} {source}", cancellationToken);
            }

            await mapper.SendAsync(group.ThinPoolDevice, $"set_transaction_id {now} {wanted}", cancellationToken);
            return true;
        }
        catch (CommandException)
        {
            return false;   // metadata that is full or broken takes no message: the pool's status says so, and what is whole can be read
        }
    }

    private static async Task ForgetAsync(VolumeGroup group, long number, CancellationToken cancellationToken)
    {
        try
        {
            await group.Tools.Mapper.SendAsync(group.ThinPoolDevice, $"delete {number}", cancellationToken);
        }
        catch (CommandException)
        {
            // The kernel has not made it. If it has and keeps it, what makes it anew says so.
        }
    }
}
