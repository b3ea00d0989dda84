using EveStorage.Linux;

namespace EveStorage.Tpm2Keys;

/// <summary>
/// A TPM, through tpm2-tools, which pass objects on as files. Objects are no secrets: the TPM encrypts what it saves. The secret
/// itself goes through pipes, and between tool and TPM in an encrypted session. But a session's file holds the session's key
/// (tpm2-tss, IESYS_SESSION): with it, who has recorded the wires could read the secret. So files are kept as if they were keys.
/// </summary>
internal sealed class Tpm(string tcti, string place, TimeProvider time)
{
    /// <summary>What a TPM seals at most: MAX_SYM_DATA of the TPM 2.0 Library, Part 2.</summary>
    internal const int MaxSecret = 128;

    // TPML_DIGEST of the TPM 2.0 Library, Part 2, has room for so many, so that more are read and asserted in turns.
    private const int PcrsAtOnce = 8;

    private static readonly string[] s_tools =
    [
        "tpm2_createprimary", "tpm2_startauthsession", "tpm2_sessionconfig", "tpm2_policypcr", "tpm2_create", "tpm2_load",
        "tpm2_unseal", "tpm2_flushcontext", "tpm2_pcrread",
    ];

    // A kernel's resource manager forgets what a tool loaded when the tool ends. Without one, the TPM is soon full.
    private bool HasManager => tcti.StartsWith("device:/dev/tpmrm", StringComparison.Ordinal) || tcti.StartsWith("tabrmd", StringComparison.Ordinal);

    /// <summary>Everything missing on this machine.</summary>
    internal async Task<IReadOnlyList<string>> ProbeAsync(string bank, IReadOnlyList<int> pcrs, CancellationToken cancellationToken)
    {
        string[] missing = [.. s_tools.Where(tool => Command.Find(tool) is null).Select(tool => $"{tool}: install tpm2-tools")];
        if (missing.Length > 0)
        {
            return missing;
        }

        try
        {
            await ReadPcrsAsync(bank, pcrs, cancellationToken);
            return [];
        }
        catch (StorageException e)
        {
            return [e.Message];
        }
    }

    /// <summary>What the PCRs are now, by number.</summary>
    /// <exception cref="StorageException"><see cref="StorageErrorKind.Unavailable"/>: no TPM answers, or it has no such bank.</exception>
    internal async Task<SortedDictionary<int, byte[]>> ReadPcrsAsync(string bank, IReadOnlyList<int> pcrs, CancellationToken cancellationToken)
    {
        using WorkDirectory work = await WorkDirectory.MakeAsync(place, time, cancellationToken);
        SortedDictionary<int, byte[]> values = [];
        foreach (int[] part in pcrs.Chunk(PcrsAtOnce))
        {
            string file = work["pcrs"];
            await RunAsync(["tpm2_pcrread", "-Q", "-o", file, Selection(bank, part)], cancellationToken);
            byte[] read = await File.ReadAllBytesAsync(file, cancellationToken);
            int length = read.Length / part.Length;
            if (length == 0 || read.Length % part.Length != 0)
            {
                throw new StorageException(StorageErrorKind.Unavailable, tcti, $"the TPM has no PCRs {string.Join(',', part)} in its bank {bank}");
            }

            for (int at = 0; at < part.Length; at++)
            {
                values.Add(part[at], read[(at * length)..((at + 1) * length)]);
            }
        }

        return values;
    }

    /// <summary>Seals <paramref name="secret"/> to the PCRs as they are.</summary>
    internal async Task<(byte[] Public, byte[] Private)> SealAsync(KeyMaterial secret, string bank, IReadOnlyList<int> pcrs, CancellationToken cancellationToken)
    {
        using WorkDirectory work = await WorkDirectory.MakeAsync(place, time, cancellationToken);
        await LoadParentAsync(work, cancellationToken);
        string policy = await PolicyAsync(work, bank, pcrs, cancellationToken);
        await InSessionAsync(work, "--hmac-session", "--enable-decrypt", async session =>
        {
            // No userwithauth: only the policy opens it. noda: a wrong PCR is no wrong password that could lock the TPM.
            await RunAsync(
                ["tpm2_create", "-Q", "-C", work["parent"], "-P", $"session:{session}", "-L", policy, "-a", "fixedtpm|fixedparent|noda",
                 "-u", work["public"], "-r", work["private"], "-i-"],
                secret, cancellationToken);
            return true;
        }, cancellationToken);
        return (await File.ReadAllBytesAsync(work["public"], cancellationToken), await File.ReadAllBytesAsync(work["private"], cancellationToken));
    }

    /// <summary>Gives back what was sealed, if the PCRs are as they were then.</summary>
    internal async Task<KeyMaterial> UnsealAsync(SealedKey key, CancellationToken cancellationToken)
    {
        using WorkDirectory work = await WorkDirectory.MakeAsync(place, time, cancellationToken);
        await LoadParentAsync(work, cancellationToken);
        await File.WriteAllBytesAsync(work["public"], key.Public, cancellationToken);
        await File.WriteAllBytesAsync(work["private"], key.Private, cancellationToken);
        await RunAsync(["tpm2_load", "-Q", "-C", work["parent"], "-u", work["public"], "-r", work["private"], "-c", work["key"]], cancellationToken);
        return await InSessionAsync(work, "--policy-session", "--enable-encrypt", async session =>
        {
            await AssertPcrsAsync(session, key.Bank, [.. key.Pcrs.Keys], [], cancellationToken);
            KeyMaterial secret = await Tool("tpm2_unseal").ReadKeyAsync([.. Reached, "-c", work["key"], "-p", $"session:{session}"], cancellationToken);
            await ForgetAsync(cancellationToken);
            return secret;
        }, cancellationToken);
    }

    private IReadOnlyList<string> Reached => ["-T", tcti];

    private static string Selection(string bank, IEnumerable<int> pcrs) => $"{bank}:{string.Join(',', pcrs)}";

    // The same each time, from the owner's seed, so that it needs no place in the TPM: clearing the TPM draws another seed.
    private Task LoadParentAsync(WorkDirectory work, CancellationToken cancellationToken)
        => RunAsync(["tpm2_createprimary", "-Q", "-C", "o", "-g", "sha256", "-G", "ecc", "-c", work["parent"]], cancellationToken);

    private async Task<string> PolicyAsync(WorkDirectory work, string bank, IReadOnlyList<int> pcrs, CancellationToken cancellationToken)
    {
        string session = work["trial"];
        await RunAsync(["tpm2_startauthsession", "-Q", "-S", session], cancellationToken);
        try
        {
            await AssertPcrsAsync(session, bank, pcrs, ["-L", work["policy"]], cancellationToken);
        }
        finally
        {
            await RunAsync(["tpm2_flushcontext", session], CancellationToken.None);
        }

        return work["policy"];
    }

    private async Task AssertPcrsAsync(string session, string bank, IReadOnlyList<int> pcrs, IReadOnlyList<string> more, CancellationToken cancellationToken)
    {
        foreach (int[] part in pcrs.Chunk(PcrsAtOnce))
        {
            await RunAsync(["tpm2_policypcr", "-Q", "-S", session, "-l", Selection(bank, part), .. more], cancellationToken);
        }
    }

    // A session stays in the TPM, which has room for few, until it is flushed.
    private async Task<T> InSessionAsync<T>(WorkDirectory work, string kind, string encryption, Func<string, Task<T>> use, CancellationToken cancellationToken)
    {
        string session = work["session"];
        await RunAsync(["tpm2_startauthsession", "-Q", kind, "-S", session, "-c", work["parent"]], cancellationToken);
        try
        {
            await RunAsync(["tpm2_sessionconfig", encryption, session], cancellationToken);
            return await use(session);
        }
        finally
        {
            await ForgetAsync(CancellationToken.None);
            await RunAsync(["tpm2_flushcontext", session], CancellationToken.None);
        }
    }

    private Task RunAsync(IReadOnlyList<string> words, CancellationToken cancellationToken) => RunAsync(words, input: null, cancellationToken);

    private async Task RunAsync(IReadOnlyList<string> words, KeyMaterial? input, CancellationToken cancellationToken)
    {
        string[] arguments = [.. Reached, .. words.Skip(1)];
        try
        {
            await (input is null ? Tool(words[0]).RunAsync(arguments, cancellationToken) : Tool(words[0]).RunAsync(arguments, input, cancellationToken));
        }
        finally
        {
            await ForgetAsync(CancellationToken.None);
        }
    }

    private async Task ForgetAsync(CancellationToken cancellationToken)
    {
        if (!HasManager)
        {
            await Tool("tpm2_flushcontext").RunAsync([.. Reached, "--transient-object"], cancellationToken);
        }
    }

    private static Command Tool(string name)
        => Command.Find(name) ?? throw new StorageException(StorageErrorKind.Unavailable, name, "is not installed: install tpm2-tools");
}
