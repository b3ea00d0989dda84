using System.Text.Json;
using EveStorage;

namespace MyBackend;

// Every step is idempotent, looks at the mark before it changes, reverts or takes for done, and undoes what its own operation did: all of
// it, a part, or nothing. After a crash it is planned again, and knows only what is on the disk.

internal sealed class CreatePool(PoolPlace pool) : StorageStep
{
    public override string Title => $"make pool {pool.Name} in {pool.Path}";

    // Planning looks, so that a conflict refuses the plan.
    public override StepEffect Expected { get; } = pool.Find() is null ? StepEffect.Change : StepEffect.AlreadySo;

    public override ValueTask<StepOutcome> ApplyAsync(OperationContext context, CancellationToken cancellationToken)
    {
        if (pool.Find() is PoolMark there)
        {
            return new(there.Mark.OutcomeFor(context));
        }

        string temporary = PoolPlace.Temporary(pool.Path, context.Request.Id);
        Documents.Remove(temporary);
        Failure.Guard(pool.Path, () => Directory.CreateDirectory(Path.Combine(temporary, "volumes")));
        PoolMark mark = new(Documents.Format, context.IdOf(pool.Name), $"{pool.Name}", context.Mark);
        Documents.Write(Path.Combine(temporary, "pool.json"), JsonSerializer.SerializeToUtf8Bytes(mark, Json.Default.PoolMark));
        Documents.Publish(temporary, pool.Path);
        return new(StepOutcome.Changed);
    }

    public override ValueTask RevertAsync(OperationContext context, CancellationToken cancellationToken)
    {
        Documents.Remove(PoolPlace.Temporary(pool.Path, context.Request.Id));
        if (pool.Find()?.Mark == context.Mark)
        {
            DeletePool.Remove(pool, context.Request.Id);
        }

        return ValueTask.CompletedTask;
    }
}

internal sealed class DeletePool(PoolPlace pool) : StorageStep
{
    public override string Title => $"remove pool {pool.Name} from {pool.Path}";

    public override StepEffect Expected { get; } = FindEmpty(pool) is null ? StepEffect.AlreadySo : StepEffect.Destroys($"the pool {pool.Name}");

    public override ValueTask<StepOutcome> ApplyAsync(OperationContext context, CancellationToken cancellationToken)
    {
        bool unfinished = Documents.Remove(PoolPlace.Temporary(pool.Path, context.Request.Id));
        if (FindEmpty(pool) is null)
        {
            return new(unfinished ? StepOutcome.Changed : StepOutcome.AlreadySo);
        }

        Remove(pool, context.Request.Id);
        return new(StepOutcome.Changed);
    }

    public override ValueTask RevertAsync(OperationContext context, CancellationToken cancellationToken)
        => pool.Find() is not null
            ? ValueTask.CompletedTask
            : throw new StorageException(StorageErrorKind.NeedsAttention, $"{pool.Name}", "was removed and can't be brought back: create it again");

    internal static void Remove(PoolPlace pool, Guid operation)
    {
        pool.RequireEmpty();
        string temporary = PoolPlace.Temporary(pool.Path, operation);
        Documents.Publish(pool.Path, temporary);
        Documents.Remove(temporary);
    }

    private static PoolMark? FindEmpty(PoolPlace pool)
    {
        PoolMark? mark = pool.Find();
        pool.RequireEmpty();
        return mark;
    }
}

internal sealed class CreateVolume(VolumePlace volume, ByteSize size, IReadOnlyList<LayerRecord> layers) : StorageStep
{
    public override string Title => $"create {volume.Subject} of {size}";

    public override StepEffect Expected { get; } = FindSame(volume, size) is null ? StepEffect.Change : StepEffect.AlreadySo;

    public override ValueTask<StepOutcome> ApplyAsync(OperationContext context, CancellationToken cancellationToken)
    {
        if (FindSame(volume, size) is VolumeRecord there)
        {
            return new(there.Mark.OutcomeFor(context));   // Changed when this operation made it before a crash, so that it can still be undone
        }

        volume.Make(size, new() { Id = context.IdOf(volume.Name), Mark = context.Mark, Created = context.Time.GetUtcNow(), Layers = layers });
        return new(StepOutcome.Changed);
    }

    public override ValueTask RevertAsync(OperationContext context, CancellationToken cancellationToken)
    {
        volume.RemoveUnfinished(context.Request.Id);
        if (volume.Find()?.Mark == context.Mark)
        {
            volume.Remove(context.Request.Id);
        }

        return ValueTask.CompletedTask;
    }

    private static VolumeRecord? FindSame(VolumePlace volume, ByteSize size)
        => volume.FindOurs() is not VolumeRecord record ? null
            : volume.Size() == size ? record
            : throw new StorageException(StorageErrorKind.Conflict, volume.Subject, $"exists with {volume.Size()}, not {size}");
}

internal sealed class RenameVolume : StorageStep
{
    private readonly VolumePlace _from;
    private readonly VolumePlace _to;

    internal RenameVolume(VolumePlace from, VolumePlace to)
    {
        (_from, _to) = (from, to);
        Expected = IsDone() ? StepEffect.AlreadySo : StepEffect.Change;
        if (Expected == StepEffect.Change)
        {
            RequireFree();
        }
    }

    public override string Title => $"rename {_from.Subject} to {_to.Name}";

    public override StepEffect Expected { get; }

    public override ValueTask<StepOutcome> ApplyAsync(OperationContext context, CancellationToken cancellationToken)
    {
        if (IsDone())
        {
            return new(_to.Note()!.Operation == context.Request.Id || _to.Require().Mark == context.Mark ? StepOutcome.Changed : StepOutcome.AlreadySo);
        }

        _from.Require();
        RequireFree();
        using IDisposable claim = _from.Claim();
        _from.Note(context.Request.Id);
        Documents.Publish(_from.Path, _to.Path);
        return new(StepOutcome.Changed);
    }

    public override ValueTask RevertAsync(OperationContext context, CancellationToken cancellationToken)
    {
        if (_to.Find() is not null && _to.Note() is ChangeNote note && note.Operation == context.Request.Id && note.FromName == $"{_from.Name}")
        {
            using IDisposable claim = _to.Claim();
            Documents.Publish(_to.Path, _from.Path);
        }

        return ValueTask.CompletedTask;
    }

    private bool IsDone() => _from.FindOurs() is null && _to.FindOurs() is not null && _to.Note()?.FromName == $"{_from.Name}";

    private void RequireFree()
    {
        if (Path.Exists(_to.Path))
        {
            throw new StorageException(StorageErrorKind.Conflict, _to.Subject, "is there: choose another name");
        }
    }
}

internal sealed class DeleteVolume(VolumePlace volume) : StorageStep
{
    public override string Title => $"delete {volume.Subject}";

    public override StepEffect Expected { get; } = volume.FindOurs() is null ? StepEffect.AlreadySo : StepEffect.Destroys($"all data of {volume.Subject}");

    public override ValueTask<StepOutcome> ApplyAsync(OperationContext context, CancellationToken cancellationToken)
    {
        bool unfinished = volume.RemoveUnfinished(context.Request.Id);
        if (volume.FindOurs() is null)
        {
            return new(unfinished ? StepOutcome.Changed : StepOutcome.AlreadySo);
        }

        using (volume.Claim())
        {
            volume.Remove(context.Request.Id);
        }

        return new(StepOutcome.Changed);
    }

    public override ValueTask RevertAsync(OperationContext context, CancellationToken cancellationToken)
        => volume.Find() is not null
            ? ValueTask.CompletedTask
            : throw new StorageException(StorageErrorKind.NeedsAttention, volume.Subject, "was deleted and can't be brought back");
}
