using EveStorage.Linux;
using EveStorage.Nvmet;

namespace EveStorage.NvmetLoop;

/// <summary>Refuses to go on while the kernel uses a volume's device or a partition of it: what is mounted there would lose its ground.</summary>
internal sealed class RequireUnused(NvmetNamespace served) : StorageStep
{
    public override string Title => $"nvmet-loop: see that nobody uses the device of number {served.Number} of {served.Subsystem}";

    public override StepEffect Expected => StepEffect.AlreadySo;

    public override ValueTask<StepOutcome> ApplyAsync(OperationContext context, CancellationToken cancellationToken)
        => FabricsHost.FindDevice(served.Subsystem, served.Id) is string device && DriveUse.UsersOf(device) is [_, ..] users
            ? throw new StorageException(StorageErrorKind.Busy, device, $"is in use: {string.Join(", ", users)}; end that first")
            : new(StepOutcome.AlreadySo);

    public override ValueTask RevertAsync(OperationContext context, CancellationToken cancellationToken) => default;
}
