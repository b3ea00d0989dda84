using EveStorage.Linux;

namespace EveStorage.FileBacked;

/// <summary>
/// Gives a volume another name by one rename of its directory. A note in it says which operation is about to do that and
/// what its name was, so that a crash leaves no doubt about who renamed it.
/// </summary>
internal sealed class RenameVolume : StorageStep
{
    private readonly FilePool _pool;
    private readonly VolumeDirectory _from;
    private readonly VolumeDirectory _to;

    internal RenameVolume(FilePool pool, VolumeDirectory from, VolumeDirectory to)
    {
        (_pool, _from, _to) = (pool, from, to);
        bool done = to.FindOurs() is not null && from.FindOurs() is null && to.Note()?.FromName == $"{from.Name}";
        if (!done)
        {
            RequireFree();
        }

        Expected = done ? StepEffect.AlreadySo : StepEffect.Change;
    }

    public override string Title => $"rename {_from.Subject} to {_to.Name}";

    public override StepEffect Expected { get; }

    public override async ValueTask<StepOutcome> ApplyAsync(OperationContext context, CancellationToken cancellationToken)
    {
        using FileLock held = await _pool.LockAsync(Title, cancellationToken);
        if (_from.FindOurs() is null && _to.FindOurs() is VolumeRecord there && _to.Note() is ChangeNote note && note.FromName == $"{_from.Name}")
        {
            return note.Operation == context.Request.Id || there.Mark == context.Mark ? StepOutcome.Changed : StepOutcome.AlreadySo;
        }

        VolumeRecord record = _from.Require();
        RequireFree();

        // Whoever has it open knows it by its name: a failed sync would be noted beside another volume's image.
        using ImageClaim claim = _pool.Images.Claim(_from, record.Id);
        _from.Note(context.Request.Id);
        DurableFile.Publish(_from.Path, _to.Path);
        return StepOutcome.Changed;
    }

    public override async ValueTask RevertAsync(OperationContext context, CancellationToken cancellationToken)
    {
        using FileLock held = await _pool.LockAsync($"undo: {Title}", cancellationToken);
        if (_to.Find() is VolumeRecord record && _to.Note() is ChangeNote note && note.Operation == context.Request.Id && note.FromName == $"{_from.Name}")
        {
            using ImageClaim claim = _pool.Images.Claim(_to, record.Id);
            DurableFile.Publish(_to.Path, _from.Path);
        }
    }

    private void RequireFree()
    {
        if (Path.Exists(_to.Path))
        {
            throw new StorageException(StorageErrorKind.Conflict, _to.Subject, "is there: choose another name");
        }
    }
}
