using System.Net.ServerSentEvents;
using System.Runtime.CompilerServices;
using EveStorage.Cli.Api;
using EveStorage.Cli.Client;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Hosting;
using Microsoft.Win32.SafeHandles;

namespace EveStorage.Host.Daemon;

/// <summary>Some of the API's addresses. A class that implements it is found.</summary>
internal interface IEndpoints
{
    /// <summary>Adds them below <c>/v1</c>.</summary>
    void Map(RouteGroupBuilder api);
}

/// <summary>What there is.</summary>
internal sealed class LookEndpoints : IEndpoints
{
    /// <inheritdoc/>
    public void Map(RouteGroupBuilder api)
    {
        api.MapGet("/host", async (IStorageApi storage, CancellationToken cancellationToken) => Answer.Of(await storage.GetHostAsync(cancellationToken))).WithSummary("Who answers");
        api.MapGet("/plugins", async (IStorageApi storage, CancellationToken cancellationToken) => Answer.Of(await storage.ListPluginsAsync(cancellationToken))).WithSummary("Every plugin that is found or enabled");
        api.MapGet("/devices", async (IStorageApi storage, CancellationToken cancellationToken) => Answer.Of(await storage.ListDevicesAsync(cancellationToken))).WithSummary("The block devices of this machine");
        api.MapGet("/pools", async (IStorageApi storage, CancellationToken cancellationToken) => Answer.Of(await storage.ListPoolsAsync(cancellationToken))).WithSummary("Every pool of the profile");
        api.MapGet("/pools/{pool}", async (string pool, IStorageApi storage, CancellationToken cancellationToken)
            => Answer.Of(await storage.GetPoolAsync(new(pool), cancellationToken))).WithSummary("One pool");
        api.MapGet("/volumes", async (IStorageApi storage, CancellationToken cancellationToken) => Answer.Of(await storage.ListVolumesAsync(null, cancellationToken))).WithSummary("The volumes of every pool");
        api.MapGet("/pools/{pool}/volumes", async (string pool, IStorageApi storage, CancellationToken cancellationToken)
            => Answer.Of(await storage.ListVolumesAsync(new PoolName(pool), cancellationToken))).WithSummary("The volumes of a pool");
        api.MapGet("/pools/{pool}/volumes/{volume}", async (string pool, string volume, IStorageApi storage, CancellationToken cancellationToken)
            => Answer.Of(await storage.GetVolumeAsync(new(pool), new(volume), cancellationToken))).WithSummary("One volume");
        api.MapGet("/file-systems", async (IStorageApi storage, CancellationToken cancellationToken) => Answer.Of(await storage.ListFileSystemsAsync(null, cancellationToken))).WithSummary("The file systems of every pool");
        api.MapGet("/pools/{pool}/file-systems", async (string pool, IStorageApi storage, CancellationToken cancellationToken)
            => Answer.Of(await storage.ListFileSystemsAsync(new PoolName(pool), cancellationToken))).WithSummary("The file systems of a pool");
        api.MapGet("/pools/{pool}/file-systems/{name}", async (string pool, string name, IStorageApi storage, CancellationToken cancellationToken)
            => Answer.Of(await storage.GetFileSystemAsync(new(pool), new(name), cancellationToken))).WithSummary("One file system");
        api.MapGet("/exports", async (IStorageApi storage, CancellationToken cancellationToken) => Answer.Of(await storage.ListExportsAsync(cancellationToken))).WithSummary("Every export, as served and as recorded");
        api.MapGet("/keys", async (IStorageApi storage, CancellationToken cancellationToken) => Answer.Of(await storage.ListKeysAsync(cancellationToken))).WithSummary("The keys that are known, by name");
        api.MapGet("/findings", async (IStorageApi storage, CancellationToken cancellationToken) => Answer.Of(await storage.DiagnoseAsync(cancellationToken))).WithSummary("What no start repairs");
        api.MapGet("/events", (IStorageApi storage, IHostApplicationLifetime lifetime, CancellationToken cancellationToken, bool follow = false)
            => TypedResults.ServerSentEvents(Streams.UntilStopAsync(token => storage.WatchEventsAsync(follow, token), lifetime, cancellationToken))).WithSummary("The events kept and, with follow, each new one");
    }
}

/// <summary>What is done. A descriptor that goes with a request is named by a header: see <see cref="DescriptorDesk"/>.</summary>
internal sealed class OperationEndpoints(DescriptorDesk desk) : IEndpoints
{
    private const string Json = "application/json";

    /// <inheritdoc/>
    public void Map(RouteGroupBuilder api)
    {
        api.MapGet("/operations", async (IStorageApi storage, CancellationToken cancellationToken) => Answer.Of(await storage.ListOperationsAsync(cancellationToken))).WithSummary("Operations that run and those that ended lately");
        api.MapGet("/operations/{id:guid}", async (Guid id, IStorageApi storage, CancellationToken cancellationToken) => Answer.Of(await storage.GetOperationAsync(id, cancellationToken))).WithSummary("One operation");
        api.MapDelete("/operations/{id:guid}", (Guid id, IStorageApi storage, CancellationToken cancellationToken) => storage.CancelOperationAsync(id, cancellationToken)).WithSummary("Ask an operation to stop and undo");
        api.MapPost("/operations/{id:guid}/clear", (Guid id, IStorageApi storage, CancellationToken cancellationToken) => storage.ClearOperationAsync(id, cancellationToken)).WithSummary("Clear an operation that needed a person");
        api.MapGet("/operations/{id:guid}/events", (Guid id, IStorageApi storage, IHostApplicationLifetime lifetime, CancellationToken cancellationToken)
            => TypedResults.ServerSentEvents(
                Streams.UntilStopAsync(token => storage.WatchOperationAsync(id, token), lifetime, cancellationToken).Select(report => new SseItem<OperationReport>(report, "operation")))).WithSummary("The operation as it changes, to its end");
        api.MapPost("/operations", SubmitAsync).Accepts<ChangeRequest>(Json).Produces<OperationReport>(StatusCodes.Status202Accepted).Produces<PlanReport>().WithSummary("Ask for a change; with plan, show what it would do");
        api.MapPost("/images/inspect", async (string name, string? format, HttpContext context, IStorageApi storage) =>
        {
            using SafeFileHandle image = DescriptorOf(context) ?? throw new StorageException(StorageErrorKind.InvalidConfiguration, name, "was not handed over");
            return Answer.Of(await storage.InspectImageAsync(image, name, format, context.RequestAborted));
        }).WithSummary("What an image holds");
        api.MapPost("/images/inspect-url", async (HttpContext context, IStorageApi storage)
            => Answer.Of(await storage.InspectUrlAsync(await ReadAsync<UrlQuestion>(context), context.RequestAborted))).Accepts<UrlQuestion>(Json).WithSummary("What an image at a URL holds");
    }

    private async Task<IResult> SubmitAsync(HttpContext context, IStorageApi storage, bool plan = false)
    {
        ChangeRequest request = await ReadAsync<ChangeRequest>(context);
        using SafeFileHandle? image = DescriptorOf(context);
        if (plan)
        {
            return Results.Ok(await storage.PlanAsync(request, image, context.RequestAborted));
        }

        Guid id = await storage.SubmitAsync(request, image, context.RequestAborted);
        return Results.Accepted($"/v1/operations/{id}", await storage.GetOperationAsync(id, context.RequestAborted));
    }

    private static async Task<T> ReadAsync<T>(HttpContext context)
        => !context.Request.HasJsonContentType()
            ? throw new BadHttpRequestException($"The body has to be {Json}, and its Content-Type has to say so.")
            : await context.Request.ReadFromJsonAsync<T>(ApiJson.Compact, context.RequestAborted) ?? throw new BadHttpRequestException("The body is null.");

    private SafeFileHandle? DescriptorOf(HttpContext context)
        => context.Request.Headers[DescriptorPath.Header] is [string token] ? desk.Take(token) : null;
}

/// <summary>Streams to a client.</summary>
internal static class Streams
{
    /// <summary>What <paramref name="watch"/> gives, until the client leaves or the daemon stops: it would wait for a stream that goes on.</summary>
    internal static async IAsyncEnumerable<T> UntilStopAsync<T>(
        Func<CancellationToken, IAsyncEnumerable<T>> watch, IHostApplicationLifetime lifetime, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        using CancellationTokenSource stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, lifetime.ApplicationStopping);
        await using IAsyncEnumerator<T> items = watch(stop.Token).GetAsyncEnumerator(stop.Token);
        while (await NextAsync(items, lifetime))
        {
            yield return items.Current;
        }
    }

    private static async ValueTask<bool> NextAsync<T>(IAsyncEnumerator<T> items, IHostApplicationLifetime lifetime)
    {
        try
        {
            return await items.MoveNextAsync();
        }
        catch (OperationCanceledException) when (lifetime.ApplicationStopping.IsCancellationRequested)
        {
            return false;
        }
    }
}
