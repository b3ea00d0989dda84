namespace EveStorage.Tpm2Keys;

/// <summary>Makes a random key and seals it. One that is there stays as it is, even if it is locked.</summary>
internal sealed class SealKey(TpmKeys keys, SealedKeys directory, KeyName name, int length) : StorageStep
{
    public override string Title => $"make key {name} of {length} random bytes, sealed to the TPM as it is now";

    public override StepEffect Expected { get; } = directory.Find(name) is null ? StepEffect.Change : StepEffect.AlreadySo;

    public override async ValueTask<StepOutcome> ApplyAsync(OperationContext context, CancellationToken cancellationToken)
    {
        if (directory.Find(name) is SealedKey there)
        {
            return there.Mark.OutcomeFor(context);
        }

        directory.Add(name, await keys.SealAsync(name, length, context.Mark, cancellationToken));
        return StepOutcome.Changed;
    }

    public override ValueTask RevertAsync(OperationContext context, CancellationToken cancellationToken)
    {
        directory.RemoveUnfinished(name, context.Request.Id);
        if (directory.Find(name)?.Mark == context.Mark)
        {
            directory.Remove(name);
        }

        return ValueTask.CompletedTask;
    }
}

/// <summary>Removes a sealed key that we made.</summary>
internal sealed class DeleteSealedKey(SealedKeys directory, KeyName name) : StorageStep
{
    public override string Title => $"delete key {name}";

    public override StepEffect Expected { get; }
        = directory.FindOurs(name) is null ? StepEffect.AlreadySo : StepEffect.Destroys($"the key {name} and all that only it opens");

    public override ValueTask<StepOutcome> ApplyAsync(OperationContext context, CancellationToken cancellationToken)
    {
        if (directory.FindOurs(name) is null)
        {
            return new(StepOutcome.AlreadySo);
        }

        directory.Remove(name);
        return new(StepOutcome.Changed);
    }

    public override ValueTask RevertAsync(OperationContext context, CancellationToken cancellationToken)
        => directory.Find(name) is not null
            ? ValueTask.CompletedTask
            : throw new StorageException(StorageErrorKind.NeedsAttention, SealedKeys.Subject(name), "was deleted and can't be brought back");
}
