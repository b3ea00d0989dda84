using System.Collections.Concurrent;
using EveStorage.NvmeOf;
using EveStorage.NvmetUser;
using Microsoft.Extensions.Logging.Abstractions;

namespace EveStorage.Tests;

/// <summary>A target on a free port of the loopback, with disks in memory, and initiators for it.</summary>
internal sealed class TestTarget : IAsyncDisposable, IEventSink
{
    internal static HostNqn Host { get; } = new("nqn.2014-08.org.nvmexpress:uuid:11111111-1111-1111-1111-111111111111");
    internal static HostNqn OtherHost { get; } = new("nqn.2014-08.org.nvmexpress:uuid:22222222-2222-2222-2222-222222222222");
    internal static Nqn Subsystem { get; } = new("nqn.2026-01.org.evestorage:test");

    internal TestTarget(Action<NvmetUserOptions>? configure = null, TimeProvider? time = null, IKeyProvider? keys = null)
    {
        NvmetUserOptions options = new() { Port = 0 };
        configure?.Invoke(options);
        new NvmetUserOptionsValidator().Validate(null, options).Failed.ShouldBeFalse();
        Transport = new(options, new() { Loggers = NullLoggerFactory.Instance, Time = time ?? TimeProvider.System, Events = this, Name = "test", Keys = keys });
    }

    internal NvmetUserTransport Transport { get; }

    internal Target Target => Transport.Target;

    internal ConcurrentQueue<StorageEvent> Told { get; } = new();

    internal static ExportSpec Spec(int number = 1, params HostNqn[] hosts) => new()
    {
        VolumeId = new(number, 0, 0, [1, 2, 3, 4, 5, 6, 7, 8]),
        Subject = $"data/vm{number}",
        Subsystem = Subsystem,
        NamespaceId = number,
        AllowedHosts = [.. (hosts.Length == 0 ? [Host] : hosts).Select(h => new AllowedHost(h, null))],
    };

    internal static VolumeAccess Access(IBlockSource blocks) => new() { OpenBlocksAsync = (_, _) => new(blocks) };

    internal static OperationContext Operation(Guid? id = null)
        => new(new() { Id = id ?? Guid.NewGuid() }, NullLogger.Instance, new Progress<StepProgress>(), TimeProvider.System);

    internal async Task<StepOutcome> ExportAsync(ExportSpec spec, IBlockSource blocks)
        => await RunAsync(await Transport.PlanExportAsync(spec, Access(blocks), CancellationToken.None));

    internal async Task<StepOutcome> UnexportAsync(ExportSpec spec)
        => await RunAsync(await Transport.PlanUnexportAsync(spec.VolumeId, CancellationToken.None));

    internal async Task<StepOutcome> ResizeAsync(ExportSpec spec)
        => await RunAsync(await Transport.PlanResizeAsync(spec.VolumeId, CancellationToken.None));

    internal async Task<ExportInfo[]> ListAsync()
        => [.. await Transport.ListExportsAsync(CancellationToken.None).ToListAsync()];

    internal NvmeTcpOptions Options(HostNqn? host = null) => new()
    {
        Port = Target.Address!.Port,
        Subsystem = Subsystem,
        Host = host ?? Host,
        HostId = new("33333333-3333-3333-3333-333333333333"),
        Timeout = TimeSpan.FromSeconds(20),
    };

    internal Task<NvmeTcpInitiator> ConnectAsync(Func<NvmeTcpOptions, NvmeTcpOptions>? configure = null)
        => NvmeTcpInitiator.ConnectAsync(configure?.Invoke(Options()) ?? Options(), CancellationToken.None);

    public void Report(StorageEvent storageEvent) => Told.Enqueue(storageEvent);

    public ValueTask DisposeAsync() => Transport.DisposeAsync();

    /// <summary>Waits, not for ever, until something is so.</summary>
    internal static async Task UntilAsync(Func<bool> isSo, string otherwise)
    {
        for (int i = 0; i < 1000; i++)
        {
            if (isSo())
            {
                return;
            }

            await Task.Delay(10);
        }

        throw new TimeoutException(otherwise);
    }

    private static async Task<StepOutcome> RunAsync(Plan plan) => await plan.Steps.Single().ApplyAsync(Operation(), CancellationToken.None);
}
