using EveStorage.ContainerdSnapshotter.Protocol;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;

namespace EveStorage.ContainerdSnapshotter;

/// <summary>containerd's calls, each answered by the snapshots of the name that it gives.</summary>
internal sealed class SnapshotCalls(SnapshotSets sets) : Snapshots.SnapshotsBase
{
    private const int Batch = 100;

    public override Task<PrepareSnapshotResponse> Prepare(PrepareSnapshotRequest request, ServerCallContext context)
        => AnswerAsync(request.Snapshotter, async set =>
        {
            PrepareSnapshotResponse response = new();
            response.Mounts.AddRange(await set.MakeAsync(Kind.Active, request.Key, request.Parent, request.Labels.ToDictionary()));
            return response;
        });

    public override Task<ViewSnapshotResponse> View(ViewSnapshotRequest request, ServerCallContext context)
        => AnswerAsync(request.Snapshotter, async set =>
        {
            ViewSnapshotResponse response = new();
            response.Mounts.AddRange(await set.MakeAsync(Kind.View, request.Key, request.Parent, request.Labels.ToDictionary()));
            return response;
        });

    public override Task<MountsResponse> Mounts(MountsRequest request, ServerCallContext context)
        => AnswerAsync(request.Snapshotter, set =>
        {
            MountsResponse response = new();
            response.Mounts.AddRange(set.MountsOf(request.Key));
            return response;
        });

    public override Task<Empty> Commit(CommitSnapshotRequest request, ServerCallContext context)
        => AnswerAsync(request.Snapshotter, async set =>
        {
            await set.CommitAsync(request.Name, request.Key, request.Labels.ToDictionary());
            return new Empty();
        });

    public override Task<Empty> Remove(RemoveSnapshotRequest request, ServerCallContext context)
        => AnswerAsync(request.Snapshotter, set =>
        {
            set.Remove(request.Key);
            return new Empty();
        });

    public override Task<StatSnapshotResponse> Stat(StatSnapshotRequest request, ServerCallContext context)
        => AnswerAsync(request.Snapshotter, set => new StatSnapshotResponse { Info = InfoOf(set.Stat(request.Key)) });

    public override Task<UpdateSnapshotResponse> Update(UpdateSnapshotRequest request, ServerCallContext context)
        => AnswerAsync(request.Snapshotter, set => new UpdateSnapshotResponse
        {
            Info = InfoOf(set.Update(request.Info?.Name ?? "", request.Info?.Labels.ToDictionary() ?? [], [.. request.UpdateMask?.Paths ?? []])),
        });

    public override async Task List(ListSnapshotsRequest request, IServerStreamWriter<ListSnapshotsResponse> responseStream, ServerCallContext context)
    {
        IReadOnlyList<SnapshotRecord> all = await AnswerAsync(request.Snapshotter, set => set.List());
        Func<SnapshotRecord, bool> wanted = await AnswerAsync(request.Snapshotter, _ => SnapshotFilter.Parse(request.Filters));
        foreach (SnapshotRecord[] records in all.Where(wanted).Chunk(Batch))
        {
            ListSnapshotsResponse response = new();
            response.Info.AddRange(records.Select(InfoOf));
            await responseStream.WriteAsync(response, context.CancellationToken);
        }
    }

    public override Task<UsageResponse> Usage(UsageRequest request, ServerCallContext context)
        => AnswerAsync(request.Snapshotter, set =>
        {
            LayerUsage usage = set.UsageOf(request.Key);
            return new UsageResponse { Size = usage.Size, Inodes = usage.Files };
        });

    /// <summary>Nothing: what is gone by name is removed all along.</summary>
    public override Task<Empty> Cleanup(CleanupRequest request, ServerCallContext context) => AnswerAsync(request.Snapshotter, _ => new Empty());

    private static Info InfoOf(SnapshotRecord record)
    {
        Info info = new()
        {
            Name = record.Key,
            Parent = record.Parent,
            Kind = record.Kind,
            CreatedAt = Timestamp.FromDateTimeOffset(record.Created),
            UpdatedAt = Timestamp.FromDateTimeOffset(record.Updated),
        };
        info.Labels.Add(record.Labels.ToDictionary());
        return info;
    }

    // File calls stop their thread: not one of the server's own.
    private Task<T> AnswerAsync<T>(string snapshotter, Func<SnapshotSet, T> answer) => AnswerAsync(snapshotter, set => Task.FromResult(answer(set)));

    private async Task<T> AnswerAsync<T>(string snapshotter, Func<SnapshotSet, Task<T>> answer)
    {
        try
        {
            return await Task.Run(() => answer(sets.Of(snapshotter)));
        }
        catch (StorageException e)
        {
            throw new RpcException(new Status(CodeOf(e.Kind), e.Message), e.Message);
        }
    }

    private static StatusCode CodeOf(StorageErrorKind kind) => kind switch
    {
        StorageErrorKind.NotFound => StatusCode.NotFound,
        StorageErrorKind.Conflict => StatusCode.AlreadyExists,
        StorageErrorKind.Busy => StatusCode.FailedPrecondition,
        StorageErrorKind.InvalidConfiguration => StatusCode.InvalidArgument,
        StorageErrorKind.OutOfSpace => StatusCode.ResourceExhausted,
        StorageErrorKind.Unavailable => StatusCode.Unavailable,
        StorageErrorKind.NotSupported => StatusCode.Unimplemented,
        StorageErrorKind.Corrupt => StatusCode.DataLoss,
        _ => StatusCode.Internal,
    };
}
