using System.Runtime.CompilerServices;
using System.Threading.Channels;
using EveStorage.Conformance;

namespace EveStorage.Tests;

/// <summary>A transport without a wire, which keeps every promise but those it is told to break.</summary>
internal sealed class MemoryTransport(Broken broken) : IVolumeTransport
{
    private readonly Dictionary<Guid, Served> _served = [];
    private readonly List<Session> _sessions = [];

    public TransportCapabilities Capabilities { get; } = new() { Serves = AccessKinds.Blocks, EndsWithHost = true };

    public ValueTask<IReadOnlyList<string>> ProbeAsync(CancellationToken cancellationToken) => new([]);

    public ValueTask<Plan> PlanExportAsync(ExportSpec spec, VolumeAccess volume, CancellationToken cancellationToken)
        => _served.Values.Any(s => s.Spec.NamespaceId == spec.NamespaceId && s.Spec.VolumeId != spec.VolumeId)
            ? throw new StorageException(StorageErrorKind.Conflict, spec.Subject, "the number is taken")
            : new(Plan.Of(new Step(this, spec, volume, () => _served.GetValueOrDefault(spec.VolumeId))));

    public ValueTask<Plan> PlanUnexportAsync(Guid volumeId, CancellationToken cancellationToken)
        => new(Plan.Of(new EndStep(this, volumeId)));

    public ValueTask<Plan> PlanResizeAsync(Guid volumeId, CancellationToken cancellationToken)
        => new(Plan.Of(new ResizeStep(this, volumeId)));

    public async IAsyncEnumerable<ExportInfo> ListExportsAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        foreach (Served served in _served.Values)
        {
            yield return new()
            {
                VolumeId = served.Spec.VolumeId,
                Subsystem = served.Spec.Subsystem,
                NamespaceId = served.Spec.NamespaceId,
                Address = new("memory://here"),
                AllowedHosts = [.. served.Spec.AllowedHosts.Select(h => h.Host)],
                ReadOnly = served.Spec.ReadOnly,
            };
        }

        await Task.CompletedTask;
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    internal ValueTask<ITransportHost?> ConnectAsync(HostNqn host, Nqn subsystem, CancellationToken cancellationToken)
    {
        bool allowed = _served.Values.Any(s => s.Spec.Subsystem == subsystem && (broken == Broken.LetsEveryoneIn || s.Allows(host)));
        Session session = new(this, host);
        _sessions.Add(session);
        return new(allowed ? session : null);
    }

    private void Set(Guid id, Served? served)
    {
        if (served is null)
        {
            _served.Remove(id);
        }
        else
        {
            _served[id] = served;
        }

        _sessions.ForEach(s => s.Changes.Writer.TryWrite(true));
    }

    private sealed record Served(ExportSpec Spec, IBlockSource Blocks, Guid Operation, Served? Before)
    {
        internal bool Allows(HostNqn host) => Spec.AllowedHosts.Any(h => h.Host == host);
    }

    private sealed class Step(MemoryTransport transport, ExportSpec spec, VolumeAccess access, Func<Served?> now) : StorageStep
    {
        public override string Title => $"export {spec.Subject}";

        public override StepEffect Expected => IsSo ? StepEffect.AlreadySo : StepEffect.Change;

        private bool IsSo => now() is Served served && served.Spec.AllowedHosts.SequenceEqual(spec.AllowedHosts);

        public override async ValueTask<StepOutcome> ApplyAsync(OperationContext context, CancellationToken cancellationToken)
        {
            if (IsSo)
            {
                return StepOutcome.AlreadySo;
            }

            IBlockSource blocks = await access.OpenBlocksAsync!(BlockAccess.ReadWrite, cancellationToken);
            transport.Set(spec.VolumeId, new(spec, blocks, context.Request.Id, now()));
            return StepOutcome.Changed;
        }

        public override ValueTask RevertAsync(OperationContext context, CancellationToken cancellationToken)
        {
            if (now() is Served served && (transport.Breaks(Broken.RevertsTheOther) || served.Operation == context.Request.Id))
            {
                transport.Set(spec.VolumeId, served.Before);
            }

            return ValueTask.CompletedTask;
        }
    }

    private sealed class EndStep(MemoryTransport transport, Guid id) : StorageStep
    {
        private Served? _ended;

        public override string Title => "end";

        public override StepEffect Expected => StepEffect.Change;

        public override ValueTask<StepOutcome> ApplyAsync(OperationContext context, CancellationToken cancellationToken)
        {
            _ended = transport._served.GetValueOrDefault(id);
            transport.Set(id, null);
            return new(_ended is null ? StepOutcome.AlreadySo : StepOutcome.Changed);
        }

        public override ValueTask RevertAsync(OperationContext context, CancellationToken cancellationToken)
        {
            transport.Set(id, _ended);
            return ValueTask.CompletedTask;
        }
    }

    private sealed class ResizeStep(MemoryTransport transport, Guid id) : StorageStep
    {
        public override string Title => "tell the size";

        public override StepEffect Expected => StepEffect.Change;

        public override ValueTask<StepOutcome> ApplyAsync(OperationContext context, CancellationToken cancellationToken)
        {
            transport.Set(id, transport._served.GetValueOrDefault(id));
            return new(StepOutcome.Changed);
        }

        public override ValueTask RevertAsync(OperationContext context, CancellationToken cancellationToken) => ValueTask.CompletedTask;
    }

    private bool Breaks(Broken what) => broken == what;

    private sealed class Session(MemoryTransport transport, HostNqn host) : ITransportHost
    {
        internal Channel<bool> Changes { get; } = Channel.CreateUnbounded<bool>();

        public ValueTask<IReadOnlyList<int>> ListAsync(CancellationToken cancellationToken)
            => new([.. transport._served.Values.Where(Sees).Select(s => s.Spec.NamespaceId).Order()]);

        public ValueTask<Guid> GetIdAsync(int number, CancellationToken cancellationToken)
            => new(transport.Breaks(Broken.InventsIds) ? Guid.NewGuid() : Find(number).Spec.VolumeId);

        public ValueTask<ByteSize> GetSizeAsync(int number, CancellationToken cancellationToken) => new(Find(number).Blocks.Size);

        public ValueTask ReadAsync(int number, long offset, Memory<byte> destination, CancellationToken cancellationToken)
            => Find(number).Blocks.ReadAsync(offset, destination, cancellationToken);

        public ValueTask WriteAsync(int number, long offset, ReadOnlyMemory<byte> data, CancellationToken cancellationToken)
            => Find(number) is Served served && served.Spec.ReadOnly && !transport.Breaks(Broken.WritesReadOnly)
                ? throw new StorageException(StorageErrorKind.Conflict, "memory", "is read-only")
                : Find(number).Blocks.WriteAsync(offset, data, WriteDurability.Stable, cancellationToken);

        public async ValueTask WaitForChangeAsync(CancellationToken cancellationToken) => await Changes.Reader.ReadAsync(cancellationToken);

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;

        private bool Sees(Served served) => transport.Breaks(Broken.LetsEveryoneIn) || served.Allows(host);

        private Served Find(int number)
            => transport._served.Values.FirstOrDefault(s => s.Spec.NamespaceId == number && Sees(s))
                ?? throw new StorageException(StorageErrorKind.NotFound, "memory", $"has no namespace {number}");
    }
}

/// <summary>Which promise is broken.</summary>
internal enum Broken
{
    Nothing,
    LetsEveryoneIn,
    WritesReadOnly,
    InventsIds,
    RevertsTheOther,
}
