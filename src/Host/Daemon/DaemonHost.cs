using System.Net;
using System.Net.Sockets;
using EveStorage.Cli.Api;
using EveStorage.Cli.Client;
using EveStorage.Host.Cli;
using EveStorage.Host.Composition;
using EveStorage.Host.Engine;
using EveStorage.Host.Locks;
using EveStorage.Host.Metrics;
using EveStorage.Host.Operations;
using EveStorage.Host.Profiles;
using EveStorage.Linux;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Hosting.Systemd;
using Microsoft.Extensions.Logging;

namespace EveStorage.Host.Daemon;

/// <summary>The daemon: the engine behind HTTP on a unix socket. It is ready when what a crash left is repaired and exports are back.</summary>
internal sealed class DaemonHost
{
    private const long MaxRequestBody = 1 << 20;
    private static readonly TimeSpan s_stopLimit = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan s_placeLimit = TimeSpan.FromSeconds(1);

    private readonly string _socket;
    private readonly PeerRule _peers;
    private readonly Task<WebApplication> _composing;
    private StorageEngine _engine = null!;   // it is there before the server starts

    private DaemonHost(Profile profile, Task<WebApplicationBuilder> begun)
    {
        _socket = profile.Api.Socket;
        _peers = new(profile.Api.Group);
        _composing = Task.Run(async () => Build(await begun));
    }

    /// <summary>
    /// Takes the place of the one daemon of a profile, before anything of it is opened and until all of it is closed again.
    /// A command that looks whether there is a daemon holds it for a moment, too.
    /// </summary>
    /// <exception cref="StorageException"><see cref="StorageErrorKind.Busy"/>: another one has it.</exception>
    internal static async Task<HeldLock> TakePlaceAsync(Profile profile, string doing, CancellationToken cancellationToken)
    {
        try
        {
            return await HeldLock.TakeAsync(PlaceOf(profile), "daemon", HeldLock.Holder(doing), s_placeLimit, TimeProvider.System, cancellationToken);
        }
        catch (StorageException e) when (e.Kind == StorageErrorKind.Busy)
        {
            throw new StorageException(StorageErrorKind.Busy, "daemon", $"runs already ({FileLock.HolderOf(PlaceOf(profile))}): stop it first", e);
        }
    }

    /// <summary>The file of that lock.</summary>
    internal static string PlaceOf(Profile profile) => Path.Combine(profile.Run, "daemon.lock");

    /// <summary>Begins with what of the server is the same in every profile, beside whatever reads one.</summary>
    internal static Task<WebApplicationBuilder> Begin() => Task.Run(static () =>
    {
        // Empty: no configuration files of its own, which would be a second place where a setting could come from.
        WebApplicationBuilder builder = WebApplication.CreateEmptyBuilder(new() { ApplicationName = "evestorage" });
        builder.Logging.AddConsoleToError(LogLevel.Information);
        builder.WebHost.UseKestrelCore();
        builder.Services.AddRoutingCore();
        builder.Services.ConfigureHttpJsonOptions(static json =>
        {
            ApiJson.Apply(json.SerializerOptions);
            json.SerializerOptions.TypeInfoResolverChain.Insert(0, ApiDocuments.Default);
        });
        builder.Services.Configure<RouteHandlerOptions>(static routes => routes.ThrowOnBadRequest = true);   // to be answered as every error is
        AddSystemd(builder.Services);
        builder.Services.Configure<HostOptions>(static host => host.ShutdownTimeout = s_stopLimit);
        builder.Services.AddHostedService(static services => services.GetRequiredService<DescriptorDesk>());
        builder.Services.AddHostedService(static _ => MemoryAtRest.OfProcess(TimeProvider.System));
        builder.Services.AddHttpContextAccessor();
        builder.Services.Scan(static types => types.FromTypes(OwnTypes.In(typeof(IEndpoints).Namespace!))
            .AddClasses(static endpoints => endpoints.AssignableTo<IEndpoints>(), publicOnly: false)
            .As<IEndpoints>()
            .WithSingletonLifetime());
        return builder;
    });

    /// <summary>
    /// Composes the server, which needs no engine until it is asked, beside whatever opens that: each takes about as long, most of it
    /// the compiler's. One that is never run has opened nothing.
    /// </summary>
    /// <exception cref="StorageException">The profile's group is none.</exception>
    internal static DaemonHost Compose(Profile profile, Task<WebApplicationBuilder> begun) => new(profile, begun);

    /// <summary>Runs until it is told to stop, or until it can't go on.</summary>
    /// <exception cref="StorageException">A part of the daemon failed.</exception>
    internal async Task RunAsync(StorageEngine engine, Action<string> ready, Heartbeat? heart, CancellationToken cancellationToken)
    {
        _engine = engine;
        FileCalls.Run(_socket, () => Directory.CreateDirectory(Path.GetDirectoryName(_socket)!));
        File.Delete(_socket);   // nobody else has the daemon's place, so nobody answers there
        await engine.RecoverAsync(cancellationToken);
        await engine.ServeAsync(cancellationToken);
        await using WebApplication app = await _composing;
        await app.StartAsync(cancellationToken);

        // At once: who watches an operation keeps a connection, and the server waits for those before anything is disposed.
        await using CancellationTokenRegistration stopping = app.Lifetime.ApplicationStopping.Register(() =>
        {
            heart?.Serves(false);
            engine.CancelOperations();
        });
        _peers.Protect(_socket);
        heart?.Serves(true);
        ready(_socket);
        await app.WaitForShutdownAsync(cancellationToken);
        foreach (BackgroundService part in app.Services.GetServices<IHostedService>().OfType<BackgroundService>())
        {
            if (part.ExecuteTask is { IsFaulted: true, Exception: AggregateException failure })
            {
                throw new StorageException(StorageErrorKind.Io, "daemon", $"can't go on: {failure.InnerException!.Message}", failure);
            }
        }
    }

    private WebApplication Build(WebApplicationBuilder builder)
    {
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.Limits.MaxRequestBodySize = MaxRequestBody;
            kestrel.AddServerHeader = false;
            kestrel.ListenUnixSocket(_socket, listen =>
            {
                listen.Protocols = HttpProtocols.Http1;
                listen.Use(next => connection => PeerOf(connection) is PeerCredentials peer && _peers.Allows(peer) ? next(connection) : Task.CompletedTask);
            });
        });
        builder.Services.AddSingleton(services => ActivatorUtilities.CreateInstance<DescriptorDesk>(services, _peers, DescriptorPath.Of(_socket)));
        builder.Services.AddScoped(services => _engine.For(new Caller(CallerOf(services.GetRequiredService<IHttpContextAccessor>().HttpContext!))));
        WebApplication app = builder.Build();
        app.Use(ErrorAnswer.InvokeAsync);
        app.MapGet("/openapi/v1.json", (RequestDelegate)(context => ApiDescription.WriteAsync(context, described => Map(described, app.Services)))).ExcludeFromDescription();
        app.MapGet("/metrics", async (IStorageApi storage, CancellationToken cancellationToken) => Results.Text(await storage.GetMetricsAsync(cancellationToken), MetricsText.ContentType)).ExcludeFromDescription();
        Map(app, app.Services);
        return app;
    }

    private static void Map(WebApplication app, IServiceProvider services)
    {
        RouteGroupBuilder api = app.MapGroup("/v1");
        foreach (int status in ErrorAnswer.Statuses)
        {
            api.WithMetadata(new ProducesResponseTypeMetadata(status, typeof(Problem), [ErrorAnswer.ProblemType]));
        }

        foreach (IEndpoints endpoints in services.GetServices<IEndpoints>())
        {
            endpoints.Map(api);
        }
    }

    // Their AddSystemd asks whether the parent is systemd, which it is not in a container or under another supervisor that
    // speaks the same protocol (man 3 sd_notify); who set the socket wants to be told.
    private static void AddSystemd(IServiceCollection services)
    {
        if (Environment.GetEnvironmentVariable("NOTIFY_SOCKET") is { Length: > 0 })
        {
            services.AddSingleton<ISystemdNotifier, SystemdNotifier>();
            services.AddSingleton<IHostLifetime, SystemdLifetime>();
        }
    }

    private static uint CallerOf(HttpContext context)
        => context.Features.Get<IConnectionSocketFeature>() is IConnectionSocketFeature feature
            ? PeerCredentials.Of(feature.Socket).UserId
            : throw new InvalidOperationException("The API is served on a unix socket.");

    private static PeerCredentials? PeerOf(ConnectionContext connection)
        => connection.Features.Get<IConnectionSocketFeature>() is { Socket: Socket socket } ? PeerCredentials.Of(socket) : null;
}
