using EveStorage.Linux;

namespace EveStorage.Luks;

/// <summary>What lies below a layer, as the steps look at it: its header, its keys, and what is open of it.</summary>
internal sealed class LuksDevice(LayerSite site, LuksOptions options, IKeyProvider? keys)
{
    // What opens a device by a quick derivation has to be random, and as long as what it protects.
    private const int ShortestKey = 32;

    /// <summary>Where it is.</summary>
    internal LayerSite Site => site;

    /// <summary>How it is encrypted.</summary>
    internal LuksOptions Options => options;

    /// <summary>What shows above it.</summary>
    internal string UpperPath => $"/dev/mapper/{site.Name}";

    /// <summary>The name of its key.</summary>
    /// <exception cref="StorageException">It was given none.</exception>
    internal KeyName Key => site.Key ?? throw Fail(StorageErrorKind.InvalidConfiguration, "is to be encrypted and no key is named");

    /// <summary>The device or file below, not a link to it.</summary>
    internal string LowerPath => File.ResolveLinkTarget(site.LowerPath, returnFinalTarget: true)?.FullName ?? site.LowerPath;

    /// <summary>Whether what lies below is there.</summary>
    internal bool IsThere => File.Exists(site.LowerPath);

    /// <summary>The size of what lies below.</summary>
    internal ByteSize LowerSize
    {
        get
        {
            try
            {
                return BlockDevice.GetSize(LowerPath);
            }
            catch (StorageException e) when (e.Kind == StorageErrorKind.NotSupported)
            {
                return new(BlockFile.Look(LowerPath).Length);   // a file, which cryptsetup puts a loop device on
            }
        }
    }

    /// <summary>The unit it is encrypted in.</summary>
    internal ByteSize SectorSize
    {
        get
        {
            if (options.SectorSize is ByteSize asked)
            {
                return asked;
            }

            try
            {
                return BlockDevice.GetSectorSize(LowerPath);
            }
            catch (StorageException e) when (e.Kind == StorageErrorKind.NotSupported)
            {
                return new(512);
            }
        }
    }

    /// <summary>The header that is there, whosever it is; null when there is none.</summary>
    internal LuksHeader? FindHeader()
    {
        using BlockFile lower = BlockFile.Open(LowerPath, writable: false, site.Subject);
        byte[] head = new byte[Math.Min(LuksHeader.CopiesLength, LowerSize.Bytes)];
        lower.Read(0, head);
        return LuksHeader.Find(head);
    }

    /// <summary>The header, which we made; null when there is none.</summary>
    /// <exception cref="StorageException"><see cref="StorageErrorKind.Conflict"/>: somebody else made it.</exception>
    internal LuksHeader? FindOurs()
    {
        LuksHeader? header = FindHeader();
        return header is null or { Mark: not null }
            ? header
            : throw Fail(StorageErrorKind.Conflict, $"holds a LUKS{header.Version} header that is not ours: nothing was touched");
    }

    /// <summary>The header, which we made and which is there.</summary>
    /// <exception cref="StorageException"><see cref="StorageErrorKind.NotFound"/>: what lies below is blank.
    /// <see cref="StorageErrorKind.Conflict"/>: there is something else, or somebody else made it.</exception>
    internal LuksHeader RequireOurs()
        => FindOurs() ?? throw (IsBlank ? Fail(StorageErrorKind.NotFound, $"{site.LowerPath} is blank: it has not been encrypted") : Fail(StorageErrorKind.Conflict, $"{site.LowerPath} holds no LUKS header: it is not encrypted, or its header is lost; nothing was touched"));

    /// <summary>
    /// Whether there are zeros where a header would be: a new drive, or one that was never ours. No more is looked at, since a format
    /// that was cut short before its header was written leaves noise behind these.
    /// </summary>
    internal bool IsBlank
    {
        get
        {
            using BlockFile lower = BlockFile.Open(LowerPath, writable: false, site.Subject);
            byte[] head = new byte[Math.Min(LuksHeader.CopiesLength, LowerSize.Bytes)];
            lower.Read(0, head);
            return !head.AsSpan().ContainsAnyExcept((byte)0);
        }
    }

    /// <summary>What is open of it; null when nothing is.</summary>
    /// <exception cref="StorageException"><see cref="StorageErrorKind.Conflict"/>: something else has its name.</exception>
    internal Mapping? FindOpen()
        => FindOpenOfIt() ?? (Mapping.Find(site.Name) is null
            ? null
            : throw Fail(StorageErrorKind.Conflict, $"{UpperPath} is there and is not of it: look at it with 'dmsetup info {site.Name}'"));

    /// <summary>The same where something else of its name is none of the caller's business, as when undoing.</summary>
    internal Mapping? FindOpenOfIt()
    {
        // What lies below may be gone, or give no answer, which is no reason to leave open what was of it.
        return Mapping.Find(site.Name) is Mapping mapping && (FindReadable() is { IsWhole: true } header ? mapping.IsOf(header) : mapping.IsOfLuks)
            ? mapping
            : null;

        LuksHeader? FindReadable()
        {
            try
            {
                return IsThere ? FindHeader() : null;
            }
            catch (StorageException e) when (e.Kind == StorageErrorKind.Io)
            {
                return null;
            }
        }
    }

    /// <summary>Throws if it is open.</summary>
    internal void RequireClosed()
    {
        if (FindOpenOfIt() is not null)
        {
            throw Fail(StorageErrorKind.Busy, $"is open as {UpperPath}: close it first");
        }
    }

    /// <summary>The key called <paramref name="name"/>.</summary>
    /// <exception cref="StorageException">There is no such key, or it is too short.</exception>
    internal async Task<KeyMaterial> GetKeyAsync(KeyName name, CancellationToken cancellationToken)
    {
        IKeyProvider source = keys ?? throw Fail(StorageErrorKind.InvalidConfiguration, "needs a key, and the profile declares no source of keys: add Keys");
        KeyMaterial key = await source.GetAsync(name, cancellationToken);
        int length = key.Bytes.Length;
        if (length >= ShortestKey)
        {
            return key;
        }

        key.Dispose();
        throw Fail(StorageErrorKind.InvalidConfiguration, $"the key {name} has {length} bytes: {ShortestKey} random ones are the least");
    }

    /// <summary>Whether there is a key of that name.</summary>
    internal async Task<bool> HasKeyAsync(KeyName name, CancellationToken cancellationToken)
    {
        try
        {
            using KeyMaterial key = await GetKeyAsync(name, cancellationToken);
            return true;
        }
        catch (StorageException e) when (e.Kind == StorageErrorKind.NotFound)
        {
            return false;
        }
    }

    /// <summary>Whether <paramref name="key"/> opens it. Nothing is opened.</summary>
    internal async Task<bool> OpensAsync(KeyMaterial key, CancellationToken cancellationToken)
    {
        if (FindHeader() is not { Keys: > 0 })
        {
            return false;
        }

        try
        {
            await Cryptsetup.RunAsync(["open", "--test-passphrase", "--type", "luks2", "--batch-mode", LowerPath], key, next: null, cancellationToken);
            return true;
        }
        catch (CommandException e) when (e.ExitCode == Cryptsetup.WrongKey)
        {
            return false;
        }
    }

    /// <summary>The names of the keys that may open it: those in its header, else the one that its site has.</summary>
    internal IReadOnlyList<KeyName> KeyNames
        => FindHeader() is { Mark: not null, KeyNames: { Count: > 0 } names } ? [.. names.Where(IsName).Select(name => new KeyName(name))] : [Key];

    /// <summary>Writes the names of the keys that may open it into its header. Nothing of it is a secret.</summary>
    internal async Task NameKeysAsync(IReadOnlyList<KeyName> names, CancellationToken cancellationToken)
    {
        if (FindHeader() is { Mark: not null } header && !header.KeyNames.SequenceEqual(names.Select(name => $"{name}")))
        {
            await Cryptsetup.ImportTokenAsync(LowerPath, LuksMetadata.Token(names), header.KeyNames.Count > 0, cancellationToken);
        }
    }

    /// <summary>The first of the keys that may open it, and does.</summary>
    internal async Task<KeyMaterial> FindKeyAsync(CancellationToken cancellationToken)
    {
        IReadOnlyList<KeyName> names = KeyNames;
        foreach (KeyName name in names)
        {
            // Where several may, one is of a change that was cut short, and the other one need not be there any more.
            if (names.Count > 1 && !await HasKeyAsync(name, cancellationToken))
            {
                continue;
            }

            KeyMaterial key = await GetKeyAsync(name, cancellationToken);
            if (await OpensAsync(key, cancellationToken))
            {
                return key;
            }

            key.Dispose();
        }

        throw WrongKey(names[0]);
    }

    private static bool IsName(string text)
    {
        try
        {
            _ = new KeyName(text);
            return true;
        }
        catch (ArgumentException)
        {
            return false;
        }
    }

    /// <summary>Opens it.</summary>
    internal async Task OpenAsync(CancellationToken cancellationToken)
    {
        using KeyMaterial key = await FindKeyAsync(cancellationToken);
        string[] discards = options.AllowDiscards ? ["--allow-discards"] : [];
        try
        {
            await Cryptsetup.RunAsync(["open", "--type", "luks2", "--batch-mode", .. discards, LowerPath, site.Name], key, next: null, cancellationToken);
        }
        catch (CommandException e) when (e.ExitCode == Cryptsetup.Busy)
        {
            throw new StorageException(StorageErrorKind.Busy, site.Subject, $"{site.LowerPath} is in use: {e.Said}", e);
        }

        BlockDevice.GetSize(UpperPath);   // made means that it can be opened
    }

    /// <summary>Overwrites the header and what held the keys, the mark last: until then it is known for ours.</summary>
    internal void WipeHeader()
    {
        const int Piece = 1 << 20;
        using BlockFile lower = BlockFile.Open(LowerPath, writable: true, site.Subject);
        long end = Math.Min(Cryptsetup.HeaderLength, LowerSize.Bytes);
        byte[] zeroes = new byte[Piece];
        for (long at = LuksHeader.CopiesLength; at < end; at += Piece)
        {
            lower.Write(at, zeroes.AsSpan(0, (int)Math.Min(Piece, end - at)));
        }

        lower.Flush();
        lower.Write(LuksHeader.CopyLength, zeroes.AsSpan(0, LuksHeader.CopyLength));
        lower.Flush();
        lower.Write(0, zeroes.AsSpan(0, LuksHeader.CopyLength));
        lower.Flush();
    }

    internal StorageException WrongKey(KeyName name)
        => Fail(StorageErrorKind.Conflict, $"the key {name} does not open it: bring the key that it was encrypted with; nothing was touched");

    internal StorageException Fail(StorageErrorKind kind, string message) => new(kind, site.Subject, message);
}
