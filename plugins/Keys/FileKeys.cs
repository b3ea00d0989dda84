namespace EveStorage.Keys;

/// <summary>Keys as files in a directory in memory, which something brings there at each boot.</summary>
internal sealed class FileKeys(FileKeysOptions options) : IKeyProvider
{
    private readonly KeyDirectory _directory = new(Path.TrimEndingDirectorySeparator(options.Directory), options.AllowPersistent);

    /// <inheritdoc/>
    public ValueTask<IReadOnlyList<string>> ProbeAsync(CancellationToken cancellationToken)
        => new(_directory.WhyNot() is string reason ? [reason] : []);

    /// <inheritdoc/>
    public IAsyncEnumerable<KeyName> ListAsync(CancellationToken cancellationToken) => _directory.Names().ToAsyncEnumerable();

    /// <inheritdoc/>
    public ValueTask<KeyMaterial> GetAsync(KeyName name, CancellationToken cancellationToken) => new(_directory.Read(name));

    /// <inheritdoc/>
    public ValueTask<Plan> PlanCreateAsync(KeyName name, int length, CancellationToken cancellationToken)
        => length is >= 16 and <= KeyFile.MaxLength
            ? new(Plan.Of(new CreateFileKey(_directory, name, length)))
            : throw new StorageException(
                StorageErrorKind.InvalidConfiguration, KeyDirectory.Subject(name), $"can't have {length} bytes: from 16 to {KeyFile.MaxLength}");

    /// <inheritdoc/>
    public ValueTask<Plan> PlanDeleteAsync(KeyName name, CancellationToken cancellationToken) => new(Plan.Of(new DeleteFileKey(_directory, name)));
}

/// <summary>Makes a random key. One that is there stays as it is.</summary>
internal sealed class CreateFileKey(KeyDirectory directory, KeyName name, int length) : StorageStep
{
    public override string Title => $"make key {name} of {length} random bytes";

    public override StepEffect Expected { get; } = directory.Has(name) ? StepEffect.AlreadySo : StepEffect.Change;

    public override ValueTask<StepOutcome> ApplyAsync(OperationContext context, CancellationToken cancellationToken)
    {
        if (directory.Has(name))
        {
            // One that somebody put there has no mark, and is nothing of ours to take away.
            return new(directory.IsPlain(name) || directory.FindOurs(name) != context.Request.Id ? StepOutcome.AlreadySo : StepOutcome.Changed);
        }

        directory.Make(name, length, context.Request.Id);
        return new(StepOutcome.Changed);
    }

    public override ValueTask RevertAsync(OperationContext context, CancellationToken cancellationToken)
    {
        directory.RemoveUnfinished(name, context.Request.Id);
        if (directory.Has(name) && !directory.IsPlain(name) && directory.FindOurs(name) == context.Request.Id)
        {
            directory.Remove(name, context.Request.Id);
        }

        return ValueTask.CompletedTask;
    }
}

/// <summary>Removes a key that we made, and overwrites it.</summary>
internal sealed class DeleteFileKey(KeyDirectory directory, KeyName name) : StorageStep
{
    public override string Title => $"delete key {name}";

    public override StepEffect Expected { get; }
        = directory.FindOurs(name) is null ? StepEffect.AlreadySo : StepEffect.Destroys($"the key {name} and all that only it opens");

    public override ValueTask<StepOutcome> ApplyAsync(OperationContext context, CancellationToken cancellationToken)
    {
        bool unfinished = directory.RemoveUnfinished(name, context.Request.Id);
        if (directory.FindOurs(name) is null)
        {
            return new(unfinished ? StepOutcome.Changed : StepOutcome.AlreadySo);
        }

        directory.Remove(name, context.Request.Id);
        return new(StepOutcome.Changed);
    }

    public override ValueTask RevertAsync(OperationContext context, CancellationToken cancellationToken)
        => directory.Has(name)
            ? ValueTask.CompletedTask
            : throw new StorageException(StorageErrorKind.NeedsAttention, KeyDirectory.Subject(name), "was deleted and can't be brought back");
}
