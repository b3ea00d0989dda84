using EveStorage.Cli.Api;
using EveStorage.Host.Composition;
using EveStorage.Host.Operations;
using EveStorage.Host.Profiles;

namespace EveStorage.Host.FileSystems;

/// <summary>Makes a file system: a volume, the layers that it needs, and its place on record before it is mounted.</summary>
internal sealed class PlanCreateFileSystem(Profile profile, RecordedMounts mounts) : ChangePlanner<CreateFileSystem>
{
    // A size that every backend gives to the byte.
    private const long Unit = 4 << 20;

    /// <summary>One whose space is taken beforehand may be zeroed.</summary>
    public override bool CopiesData => true;

    /// <inheritdoc/>
    protected override IEnumerable<string> Makes(CreateFileSystem request, Guid operation) => [$"{request.Volume}"];

    /// <inheritdoc/>
    protected override async Task<Plan> PlanAsync(CreateFileSystem request, PlanningContext context, CancellationToken cancellationToken)
    {
        IStoragePool pool = await context.Pools.OpenAsync(request.Pool, cancellationToken);
        await RequireFreeAsync(pool, request.Volume, context, cancellationToken);
        if (request.Size.Bytes <= 0)
        {
            throw new StorageException(StorageErrorKind.InvalidConfiguration, request.Subject, "has to have a size");
        }

        string at = MountPoints.Parse(request.At ?? $"{request.Volume}", profile, request.Subject);
        await mounts.RequireFreeAsync(at, request.Subject, context.Records, cancellationToken);
        RequireKind(request, pool, context.Parts);
        VolumeSpec spec = new()
        {
            Name = request.Volume,
            Form = VolumeForm.FileSystem,
            Size = request.Size.RoundUpTo(new(Unit)),
            Traits = context.Parts.TraitsFor(pool, (request.Traits & ~VolumeTraits.Thin) | (request.Reserved ? VolumeTraits.None : VolumeTraits.Thin)),
        };
        MountRecord mount = new() { At = at, ChangedBy = context.Operation.Id };
        (LayerStack stack, Plan plan) = await StackPlanner.PlanCreateAsync(
            context.Parts, pool, spec, context.Operation.Ids[$"{request.Volume}"], cancellationToken, mount, request.Kind);
        context.Result("mountPoint", stack.Path);
        return request.Reserved ? RequireReserved.In(plan, pool, request.Volume) : plan;
    }

    private static void RequireKind(CreateFileSystem request, IStoragePool pool, StorageParts parts)
    {
        IReadOnlyList<string> kinds = parts.FileSystemKindsOf(pool);
        if (request.Kind is string kind && !kinds.Contains(kind))
        {
            throw new StorageException(
                StorageErrorKind.InvalidConfiguration, request.Subject,
                $"'{kind}' is no file system of {request.Pool}, {(kinds.Count == 0 ? "which has none" : $"which has {string.Join(", ", kinds)}")}: add ext4 or xfs to its Layers");
        }
    }
}
