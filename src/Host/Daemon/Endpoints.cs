using System.Net.ServerSentEvents;
using System.Runtime.CompilerServices;
using EveStorage.Host.Api;
using EveStorage.Host.Client;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
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
        api.MapGet("/host", (IStorageApi storage, CancellationToken cancellationToken) => storage.GetHostAsync(cancellationToken));
        api.MapGet("/plugins", (IStorageApi storage, CancellationToken cancellationToken) => storage.ListPluginsAsync(cancellationToken));
        api.MapGet("/devices", (IStorageApi storage, CancellationToken cancellationToken) => storage.ListDevicesAsync(cancellationToken));
        api.MapGet("/pools", (IStorageApi storage, CancellationToken cancellationToken) => storage.ListPoolsAsync(cancellationToken));
        api.MapGet("/pools/{pool}", (string pool, IStorageApi storage, CancellationToken cancellationToken)
            => storage.GetPoolAsync(new(pool), cancellationToken));
        api.MapGet("/volumes", (IStorageApi storage, CancellationToken cancellationToken) => storage.ListVolumesAsync(null, cancellationToken));
        api.MapGet("/pools/{pool}/volumes", (string pool, IStorageApi storage, CancellationToken cancellationToken)
            => storage.ListVolumesAsync(new PoolName(pool), cancellationToken));
        api.MapGet("/pools/{pool}/volumes/{volume}", (string pool, string volume, IStorageApi storage, CancellationToken cancellationToken)
            => storage.GetVolumeAsync(new(pool), new(volume), cancellationToken));
        api.MapGet("/exports", (IStorageApi storage, CancellationToken cancellationToken) => storage.ListExportsAsync(cancellationToken));
        api.MapGet("/findings", (IStorageApi storage, CancellationToken cancellationToken) => storage.DiagnoseAsync(cancellationToken));
        api.MapGet("/events", (IStorageApi storage, CancellationToken cancellationToken, bool follow = false)
            => TypedResults.ServerSentEvents(storage.WatchEventsAsync(follow, cancellationToken)));
    }
}

/// <summary>What is done. A descriptor that goes with a request is named by a header: see <see cref="DescriptorDesk"/>.</summary>
internal sealed class OperationEndpoints(DescriptorDesk desk) : IEndpoints
{
    /// <inheritdoc/>
    public void Map(RouteGroupBuilder api)
    {
        api.MapGet("/operations", (IStorageApi storage, CancellationToken cancellationToken) => storage.ListOperationsAsync(cancellationToken));
        api.MapGet("/operations/{id:guid}", (Guid id, IStorageApi storage, CancellationToken cancellationToken) => storage.GetOperationAsync(id, cancellationToken));
        api.MapDelete("/operations/{id:guid}", (Guid id, IStorageApi storage, CancellationToken cancellationToken) => storage.CancelOperationAsync(id, cancellationToken));
        api.MapPost("/operations/{id:guid}/clear", (Guid id, IStorageApi storage, CancellationToken cancellationToken) => storage.ClearOperationAsync(id, cancellationToken));
        api.MapGet("/operations/{id:guid}/events", (Guid id, IStorageApi storage, CancellationToken cancellationToken)
            => TypedResults.ServerSentEvents(Changes(storage.WatchOperationAsync(id, cancellationToken), cancellationToken)));
        api.MapPost("/operations", SubmitAsync).Produces<OperationReport>(StatusCodes.Status202Accepted).Produces<PlanReport>();
        api.MapPost("/images/inspect", async (string name, string? format, HttpContext context, IStorageApi storage) =>
        {
            using SafeFileHandle image = DescriptorOf(context) ?? throw new StorageException(StorageErrorKind.InvalidConfiguration, name, "was not handed over");
            return await storage.InspectImageAsync(image, name, format, context.RequestAborted);
        });
    }

    private async Task<IResult> SubmitAsync(ChangeRequest request, HttpContext context, IStorageApi storage, bool plan = false)
    {
        using SafeFileHandle? image = DescriptorOf(context);
        if (plan)
        {
            return Results.Ok(await storage.PlanAsync(request, image, context.RequestAborted));
        }

        Guid id = await storage.SubmitAsync(request, image, context.RequestAborted);
        return Results.Accepted($"/v1/operations/{id}", await storage.GetOperationAsync(id, context.RequestAborted));
    }

    private SafeFileHandle? DescriptorOf(HttpContext context)
        => context.Request.Headers[DescriptorPath.Header] is [string token] ? desk.Take(token) : null;

    private static async IAsyncEnumerable<SseItem<OperationReport>> Changes(
        IAsyncEnumerable<OperationReport> reports, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await foreach (OperationReport report in reports.WithCancellation(cancellationToken))
        {
            yield return new(report, "operation");
        }
    }
}
