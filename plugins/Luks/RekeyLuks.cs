using System.Security.Cryptography;

namespace EveStorage.Luks;

/// <summary>Lets a second key open it. Until the first is removed, both do.</summary>
internal sealed class AddLuksKey(LuksDevice device, KeyName newKey) : StorageStep
{
    private bool _wasThere;

    public override string Title => $"let the key {newKey} open {device.Site.Subject}";

    public override StepEffect Expected => StepEffect.Change;

    public override async ValueTask<StepOutcome> ApplyAsync(OperationContext context, CancellationToken cancellationToken)
    {
        device.RequireOurs();
        using KeyMaterial added = await device.GetKeyAsync(newKey, cancellationToken);
        if (await device.OpensAsync(added, cancellationToken))
        {
            _wasThere = true;
            return StepOutcome.AlreadySo;
        }

        using KeyMaterial first = await device.GetKeyAsync(device.Key, cancellationToken);
        if (!await device.OpensAsync(first, cancellationToken))
        {
            throw device.WrongKey(device.Key);
        }

        await device.NameKeysAsync([device.Key, newKey], cancellationToken);
        await AddAsync(device, device.Key, first, added, cancellationToken);
        return await device.OpensAsync(added, cancellationToken)
            ? StepOutcome.Changed
            : throw device.Fail(StorageErrorKind.Io, $"was given the key {newKey}, which does not open it: the key {device.Key} still does");
    }

    public override async ValueTask RevertAsync(OperationContext context, CancellationToken cancellationToken)
    {
        // A key that is not there was added nowhere.
        if (!_wasThere && device.IsThere && device.FindHeader() is { Mark: not null } && await device.HasKeyAsync(newKey, cancellationToken))
        {
            await RemoveLuksKey.RemoveAsync(device, newKey, other: device.Key, cancellationToken);
            if (device.FindHeader() is { KeyNames.Count: > 0 })
            {
                await device.NameKeysAsync([device.Key], cancellationToken);
            }
        }
    }

    /// <summary>Adds a slot for <paramref name="added"/>, which <paramref name="present"/> authorises.</summary>
    internal static async Task AddAsync(LuksDevice device, KeyName presentName, KeyMaterial present, KeyMaterial added, CancellationToken cancellationToken)
    {
        if (!await device.OpensAsync(present, cancellationToken))
        {
            throw device.WrongKey(presentName);
        }

        await Cryptsetup.RunAsync(
            ["luksAddKey", "--batch-mode", .. Cryptsetup.QuickPbkdf, device.LowerPath, "-"], present, added, cancellationToken);
    }
}

/// <summary>Lets the first key open it no more, once the second does.</summary>
internal sealed class RemoveLuksKey(LuksDevice device, KeyName newKey) : StorageStep
{
    public override string Title => $"let the key {device.Key} open {device.Site.Subject} no more";

    public override StepEffect Expected => StepEffect.Change;

    public override async ValueTask<StepOutcome> ApplyAsync(OperationContext context, CancellationToken cancellationToken)
    {
        // Done before, down to the old key, which is forgotten after this.
        if (device.RequireOurs().KeyNames.SequenceEqual([$"{newKey}"]) && !await device.HasKeyAsync(device.Key, cancellationToken))
        {
            return StepOutcome.AlreadySo;
        }

        bool removed = await RemoveAsync(device, device.Key, other: newKey, cancellationToken);
        await device.NameKeysAsync([newKey], cancellationToken);
        return removed ? StepOutcome.Changed : StepOutcome.AlreadySo;
    }

    public override async ValueTask RevertAsync(OperationContext context, CancellationToken cancellationToken)
    {
        // One that is not there was not removed by this operation, which had it.
        if (!device.IsThere || device.FindHeader() is not { Mark: not null } || !await device.HasKeyAsync(device.Key, cancellationToken))
        {
            return;
        }

        using KeyMaterial first = await device.GetKeyAsync(device.Key, cancellationToken);
        if (!await device.OpensAsync(first, cancellationToken))
        {
            using KeyMaterial second = await device.GetKeyAsync(newKey, cancellationToken);
            await device.NameKeysAsync([device.Key, newKey], cancellationToken);
            await AddLuksKey.AddAsync(device, newKey, second, first, cancellationToken);
        }
    }

    /// <summary>Removes the slot of <paramref name="name"/>, if the key <paramref name="other"/> opens it as well.</summary>
    /// <returns>Whether there was one.</returns>
    internal static async Task<bool> RemoveAsync(LuksDevice device, KeyName name, KeyName other, CancellationToken cancellationToken)
    {
        using KeyMaterial removed = await device.GetKeyAsync(name, cancellationToken);
        if (!await device.OpensAsync(removed, cancellationToken))
        {
            return false;
        }

        using KeyMaterial kept = await device.GetKeyAsync(other, cancellationToken);
        if (CryptographicOperations.FixedTimeEquals(removed.Bytes, kept.Bytes))
        {
            throw device.Fail(StorageErrorKind.Conflict, $"{name} and {other} are one and the same key: removing it would leave none");
        }

        if (!await device.OpensAsync(kept, cancellationToken))
        {
            throw device.WrongKey(other);
        }

        await Cryptsetup.RunAsync(["luksRemoveKey", "--batch-mode", device.LowerPath], removed, next: null, cancellationToken);
        return true;
    }
}
