using EveStorage.Linux;

namespace EveStorage.Luks;

/// <summary>
/// Encrypts what is empty. What somebody wrote is refused and keeps its bytes, so that this step never destroys; the mark is
/// in the header's first write.
/// </summary>
internal sealed class FormatLuks(LuksDevice device, LuksCipher cipher) : StorageStep
{
    public override string Title => $"encrypt {device.Site.Subject} with {cipher.Name} ({cipher.Reason})";

    public override StepEffect Expected { get; } = device.IsThere && device.FindOurs() is { Keys: > 0 } ? StepEffect.AlreadySo : StepEffect.Change;

    public override async ValueTask<StepOutcome> ApplyAsync(OperationContext context, CancellationToken cancellationToken)
    {
        using KeyMaterial key = await device.GetKeyAsync(device.Key, cancellationToken);
        LuksHeader? header = device.FindOurs();
        if (header is { Keys: > 0 })
        {
            if (!await device.OpensAsync(key, cancellationToken))
            {
                throw device.WrongKey(device.Key);
            }

            if (header.Mark == context.Mark && header.KeyNames.Count == 0)
            {
                await device.NameKeysAsync([device.Key], cancellationToken);
            }

            return header.Mark!.Value.OutcomeFor(context);
        }

        if (header is not null && header.Mark != context.Mark)
        {
            throw device.Fail(StorageErrorKind.Conflict, $"holds a header without a key, of the operation {header.Mark!.Value.Operation}: nothing was touched");
        }

        device.RequireClosed();
        if (header is null)
        {
            await RequireEmptyAsync(cancellationToken);
        }

        await FormatAsync(key, context.Request.Id, cancellationToken);

        // A drive that comes to others after a change of keys has another one than its site says at the next start.
        await device.NameKeysAsync([device.Key], cancellationToken);
        return StepOutcome.Changed;
    }

    public override async ValueTask RevertAsync(OperationContext context, CancellationToken cancellationToken)
    {
        if (device.IsThere && device.FindHeader()?.Mark == context.Mark)
        {
            device.RequireClosed();
            await EraseLuks.EraseAsync(device, cancellationToken);
        }
    }

    private async Task FormatAsync(KeyMaterial key, Guid operation, CancellationToken cancellationToken)
    {
        ByteSize sector = device.SectorSize;
        if (device.LowerSize.Bytes - Cryptsetup.HeaderLength < sector.Bytes)
        {
            throw device.Fail(StorageErrorKind.OutOfSpace, $"has {device.LowerSize}, and the header takes {new ByteSize(Cryptsetup.HeaderLength)}");
        }

        if (device.LowerSize.Bytes % sector.Bytes != 0)
        {
            throw device.Fail(StorageErrorKind.InvalidConfiguration, $"has {device.LowerSize}, which is no multiple of the sectors of {sector} that it is to have");
        }

        try
        {
            await Cryptsetup.RunAsync(
                ["luksFormat", "--type", "luks2", "--batch-mode", "--subsystem", OwnerMark.Us, "--label", $"{operation:D}",
                 "--cipher", cipher.Specification, "--key-size", Cryptsetup.Text(cipher.KeyBits), "--sector-size", Cryptsetup.Text(sector.Bytes),
                 .. Cryptsetup.QuickPbkdf, .. Cryptsetup.Layout, device.LowerPath],
                key, next: null, cancellationToken);
        }
        catch (CommandException e) when (e.ExitCode == Cryptsetup.Busy)
        {
            throw new StorageException(StorageErrorKind.Busy, device.Site.Subject, $"{device.Site.LowerPath} is in use: {e.Said}", e);
        }
    }

    private async Task RequireEmptyAsync(CancellationToken cancellationToken)
    {
        string[] found = [.. (await DeviceSignature.FindAsync(device.LowerPath, cancellationToken)).Select(signature => signature.Kind).Distinct()];
        if (found.Length > 0)
        {
            throw device.Fail(
                StorageErrorKind.Conflict, $"{device.Site.LowerPath} holds {string.Join(" and ", found)}: nothing was touched; wipe it yourself if nobody needs that");
        }

        // A drive may hold what no program knows, such as data that is encrypted without a header. A volume was made for this.
        if (device.Site.Placement == LayerPlacement.UnderPool && !device.IsBlank)
        {
            throw device.Fail(
                StorageErrorKind.Conflict, $"{device.Site.LowerPath} does not begin with zeros, so that it may hold somebody's data: nothing was touched; wipe it yourself if nobody needs that");
        }
    }
}
