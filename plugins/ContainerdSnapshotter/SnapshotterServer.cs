using EveStorage.Linux;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace EveStorage.ContainerdSnapshotter;

/// <summary>Answers containerd on a socket that only its owner may use.</summary>
internal sealed class SnapshotterServer(ContainerdSnapshotterOptions options, PluginServices services) : IFrontEnd
{
    private const int MaxMessage = 4 << 20;
    private const int MaxConnections = 64;

    private WebApplication? _app;
    private SnapshotSets? _sets;

    /// <inheritdoc/>
    public ValueTask<IReadOnlyList<string>> ProbeAsync(CancellationToken cancellationToken)
    {
        List<string> missing = [];
        if (FileOwner.Ours != 0)
        {
            missing.Add("root: layers belong to many users");
        }

        ImageKind kind = ImageKind.All.Single(kind => kind.Name == options.FileSystem);
        missing.AddRange(Lacking(options.AreClones ? kind.Module : ("overlay", "CONFIG_OVERLAY_FS")));
        if (options.AreClones)
        {
            missing.AddRange(kind.Programs.Where(program => Command.Find(program) is null).Select(program => $"{program} is not installed"));
            missing.AddRange(File.Exists("/dev/loop-control") ? [] : KernelModule.Missing(("loop", "CONFIG_BLK_DEV_LOOP")));
        }

        return new(missing);
    }

    /// <inheritdoc/>
    public async ValueTask StartAsync(CancellationToken cancellationToken)
    {
        _sets = await SnapshotSets.OpenAsync(options, services);
        FileCalls.Run(options.Socket, () =>
        {
            Directory.CreateDirectory(Path.GetDirectoryName(options.Socket)!);
            File.Delete(options.Socket);   // who has the directory's lock is the only one that answers there
        });
        WebApplicationBuilder builder = WebApplication.CreateEmptyBuilder(new() { ApplicationName = "EveStorage.ContainerdSnapshotter" });
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxConcurrentConnections = MaxConnections;
            kestrel.ListenUnixSocket(options.Socket, static listen => listen.Protocols = HttpProtocols.Http2);
        });
        builder.Services.AddRoutingCore();
        builder.Services.AddSingleton<ILoggerFactory>(new ServerLoggers(services.Loggers));
        builder.Services.AddGrpc(static grpc => (grpc.MaxReceiveMessageSize, grpc.MaxSendMessageSize) = (MaxMessage, MaxMessage));
        builder.Services.AddSingleton(_sets);
        _app = builder.Build();
        _app.MapGrpcService<SnapshotCalls>();
        await _app.StartAsync(cancellationToken);
        FileCalls.Run(options.Socket, () => File.SetUnixFileMode(options.Socket, UnixFileMode.UserRead | UnixFileMode.UserWrite));
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        if (_app is not null)
        {
            await _app.DisposeAsync();
            _app = null;
        }

        if (_sets is not null)
        {
            await _sets.DisposeAsync();
            _sets = null;
        }
    }

    private static IEnumerable<string> Lacking((string Name, string Option) fileSystem)
        => File.ReadLines("/proc/filesystems").Any(line => line.EndsWith($"\t{fileSystem.Name}", StringComparison.Ordinal)) ? [] : KernelModule.Missing(fileSystem);
}
