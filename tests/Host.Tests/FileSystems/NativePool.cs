using System.Collections.Concurrent;
using Microsoft.Extensions.Options;

namespace EveStorage.Tests;

/// <summary>
/// A pool whose file systems are the kernel's tmpfs: real mounts with a real limit, without what the lab has for it, ZFS. What it knows of
/// them outlives a host, and is in no file.
/// </summary>
internal sealed class NativePool : IStorageBackend, IFileSystemPool, IResizablePool, IPoolRecords
{
    internal const string Backend = "native";

    private readonly ConcurrentDictionary<VolumeName, Kept> _volumes = [];

    public Guid Id { get; } = Guid.NewGuid();

    public PoolName Name => FileSystemHost.Pool;

    public IPoolRecords Records => this;

    public FileSystemCapabilities FileSystems => new() { Kind = "tmpfs", Traits = Capabilities.Traits | VolumeTraits.Quota | VolumeTraits.Reserved };

    public BackendCapabilities Capabilities { get; } = new()
    {
        Forms = new HashSet<VolumeForm> { VolumeForm.FileSystem },
        Traits = VolumeTraits.Thin | VolumeTraits.Resizable,
    };

    internal void Register(IPluginRegistrar registrar) => registrar.AddBackend<NativeOptions>(Backend, new NativeOptions(), (_, _) => this);

    public FileSystemSource SourceOf(VolumeName name) => new() { Kind = FileSystems.Kind, Source = $"evestorage-test/{Id:N}/{name}", Data = "size=32m" };

    public ValueTask<VolumeInfo?> FindVolumeAsync(VolumeName name, CancellationToken cancellationToken) => new(_volumes.TryGetValue(name, out Kept? kept) ? kept.Info : null);

    public IAsyncEnumerable<VolumeInfo> ListVolumesAsync(CancellationToken cancellationToken) => _volumes.Values.Select(kept => kept.Info).OrderBy(info => $"{info.Name}").ToAsyncEnumerable();

    public ValueTask<PoolStatus> GetStatusAsync(CancellationToken cancellationToken)
        => new(new PoolStatus { Health = PoolHealth.Healthy, Size = ByteSize.GiB(1), Used = default, Free = ByteSize.GiB(1) });

    public string PathOf(VolumeName name) => $"/nowhere/{name}";

    public ValueTask<IBlockSource> OpenBlocksAsync(VolumeName name, BlockAccess access, CancellationToken cancellationToken)
        => throw new StorageException(StorageErrorKind.NotSupported, $"{Name}/{name}", "is a file system, and has no blocks");

    public ValueTask<VolumeRecord?> FindAsync(VolumeName name, CancellationToken cancellationToken) => new(_volumes.TryGetValue(name, out Kept? kept) ? kept.Record : null);

    public ValueTask ReplaceAsync(VolumeName name, VolumeRecord record, CancellationToken cancellationToken)
    {
        _volumes[name] = _volumes[name] with { Record = record };
        return ValueTask.CompletedTask;
    }

    public ValueTask<Plan> PlanCreateAsync(VolumeSpec spec, CancellationToken cancellationToken)
    {
        (Capabilities with { Traits = FileSystems.Traits }).Require(spec);
        return One($"make {spec.Name}", context => Make(spec, context), context => Unmake(spec.Name, context));
    }

    public ValueTask<Plan> PlanDeleteAsync(VolumeName name, CancellationToken cancellationToken)
        => One($"delete {name}", _ => _volumes.TryRemove(name, out Kept? _) ? StepOutcome.Changed : StepOutcome.AlreadySo, _ => { });

    public ValueTask<Plan> PlanGrowAsync(VolumeName name, ByteSize size, CancellationToken cancellationToken)
        => PlanLimitAsync(name, new() { Size = size }, cancellationToken);

    public ValueTask<Plan> PlanLimitAsync(VolumeName name, FileSystemLimits limits, CancellationToken cancellationToken)
    {
        VolumeInfo? before = null;
        return One(
            $"limit {name}",
            _ =>
            {
                before = _volumes[name].Info;
                _volumes[name] = _volumes[name] with { Info = before with { Size = limits.Size ?? before.Size, Reservation = limits.Reservation ?? before.Reservation } };
                return StepOutcome.Changed;
            },
            _ => _volumes[name] = _volumes[name] with { Info = before ?? _volumes[name].Info });
    }

    public ValueTask<Plan> PlanRenameAsync(VolumeName name, VolumeName newName, CancellationToken cancellationToken) => throw new InvalidOperationException("No file system is renamed here.");

    public ValueTask<ProbeResult> ProbeAsync(CancellationToken cancellationToken) => new(ProbeResult.Usable(Capabilities));

    public ValueTask<Plan> PlanCreatePoolAsync(PoolSpec spec, CancellationToken cancellationToken) => new(Plan.Of());

    public ValueTask<Plan> PlanDeletePoolAsync(PoolName name, CancellationToken cancellationToken) => new(Plan.Of());

    public ValueTask<Plan> PlanClosePoolAsync(PoolName name, CancellationToken cancellationToken) => new(Plan.Of());

    public ValueTask<IStoragePool> OpenPoolAsync(PoolName name, CancellationToken cancellationToken) => new(this);

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private StepOutcome Make(VolumeSpec spec, OperationContext context)
    {
        VolumeRecord record = new() { Id = context.IdOf(spec.Name), Mark = context.Mark, Created = context.Time.GetUtcNow(), Layers = spec.Layers };
        VolumeInfo info = new()
        {
            Name = spec.Name,
            Id = record.Id,
            Form = spec.Form,
            Path = SourceOf(spec.Name).Source,
            Size = spec.Size,
            Allocated = default,
            Traits = spec.Traits.HasFlag(VolumeTraits.Thin) ? FileSystems.Traits : FileSystems.Traits & ~VolumeTraits.Thin,
        };
        return _volumes.TryAdd(spec.Name, new(info, record)) ? StepOutcome.Changed : _volumes[spec.Name].Record.Mark.OutcomeFor(context);
    }

    private void Unmake(VolumeName name, OperationContext context)
    {
        if (_volumes.TryGetValue(name, out Kept? kept) && kept.Record.Mark == context.Mark)
        {
            _volumes.TryRemove(name, out _);
        }
    }

    private static ValueTask<Plan> One(string title, Func<OperationContext, StepOutcome> apply, Action<OperationContext> revert) => new(Plan.Of(new Step(title, apply, revert)));

    private sealed record Kept(VolumeInfo Info, VolumeRecord Record);

    private sealed class Step(string title, Func<OperationContext, StepOutcome> apply, Action<OperationContext> revert) : StorageStep
    {
        public override string Title => title;

        public override StepEffect Expected => StepEffect.Change;

        public override ValueTask<StepOutcome> ApplyAsync(OperationContext context, CancellationToken cancellationToken) => new(apply(context));

        public override ValueTask RevertAsync(OperationContext context, CancellationToken cancellationToken)
        {
            revert(context);
            return ValueTask.CompletedTask;
        }
    }
}

/// <summary>It has none.</summary>
internal sealed class NativeOptions : IValidateOptions<NativeOptions>
{
    public ValidateOptionsResult Validate(string? name, NativeOptions options) => ValidateOptionsResult.Success;
}
