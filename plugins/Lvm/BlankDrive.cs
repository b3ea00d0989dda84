using EveStorage.Linux;

namespace EveStorage.Lvm;

/// <summary>Takes LVM's label from a drive that has left the pool, where it is still there.</summary>
internal sealed class BlankDrive(LvmPool pool, string called) : StorageStep
{
    public override string Title => $"take LVM's label from {called}";

    public override StepEffect Expected => StepEffect.Change;

    public override async ValueTask<StepOutcome> ApplyAsync(OperationContext context, CancellationToken cancellationToken)
    {
        using IDisposable held = await pool.LockAsync(Title, cancellationToken);
        return Find(pool, called) is Drive drive && await PhysicalDrive.BlankAsync(pool.Group.Tools, drive, cancellationToken) ? StepOutcome.Changed : StepOutcome.AlreadySo;
    }

    /// <summary>The drive of that name, or the layer over it that the profile names; null when it is not there.</summary>
    internal static Drive? Find(LvmPool pool, string called)
        => pool.Services.Devices.Select(device => Drive.Find(device)).OfType<Drive>().Concat(Drive.List().Where(drive => !drive.IsFabric))
            .FirstOrDefault(drive => PhysicalDrive.Plain(PoolDevices.PhysicalOf(drive).Identity) == PhysicalDrive.Plain(called) || PoolDevices.NodeOf(drive) == called);

    // It holds nothing, and can be added again.
    public override ValueTask RevertAsync(OperationContext context, CancellationToken cancellationToken) => ValueTask.CompletedTask;
}
