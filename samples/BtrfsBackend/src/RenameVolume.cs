using EveStorage;

namespace Samples.Btrfs;

/// <summary>Gives a volume another name by one rename of its directory. The note says beforehand who is about to do it.</summary>
internal sealed class RenameVolume : StorageStep
{
    private readonly BtrfsPool _pool;
    private readonly VolumePlace _from;
    private readonly VolumePlace _to;

    internal RenameVolume(BtrfsPool pool, VolumePlace from, VolumePlace to)
    {
        (_pool, _from, _to) = (pool, from, to);
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
            // The volume may be this very operation's: then what it did with it is its to undo.
            return new(_to.Note()!.Operation == context.Request.Id || _to.Require().Mark == context.Mark ? StepOutcome.Changed : StepOutcome.AlreadySo);
        }

        VolumeRecord record = _from.Require();
        RequireFree();
        using IDisposable claim = _pool.Open.Claim(_from, record.Id);
        _from.Note(context.Request.Id);
        Documents.Publish(_from.Path, _to.Path);
        return new(StepOutcome.Changed);
    }

    public override ValueTask RevertAsync(OperationContext context, CancellationToken cancellationToken)
    {
        if (_to.Find() is VolumeRecord record && _to.Note() is ChangeNote note && note.Operation == context.Request.Id && note.FromName == $"{_from.Name}")
        {
            using IDisposable claim = _pool.Open.Claim(_to, record.Id);
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
