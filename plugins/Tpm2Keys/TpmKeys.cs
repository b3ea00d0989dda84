using System.Security.Cryptography;
using EveStorage.Linux;

namespace EveStorage.Tpm2Keys;

/// <summary>Keys that a TPM gives only to the software that they were sealed under, as its PCRs tell it.</summary>
internal sealed class TpmKeys(Tpm2KeysOptions options, TimeProvider time) : IKeyProvider
{
    private readonly SealedKeys _sealed = new(Path.TrimEndingDirectorySeparator(options.Directory));
    private readonly Tpm _tpm = new(options.Tcti, Path.TrimEndingDirectorySeparator(options.Work), time);
    private readonly IReadOnlyList<int> _pcrs = PcrList.TryParse(options.Pcrs) ?? [];

    /// <inheritdoc/>
    public async ValueTask<IReadOnlyList<string>> ProbeAsync(CancellationToken cancellationToken)
    {
        IReadOnlyList<string> missing = await _tpm.ProbeAsync(options.Bank, _pcrs, cancellationToken);
        try
        {
            _sealed.RequireOurs();
            return missing;
        }
        catch (StorageException e)
        {
            return [.. missing, e.Message];
        }
    }

    /// <inheritdoc/>
    public IAsyncEnumerable<KeyName> ListAsync(CancellationToken cancellationToken) => _sealed.Names().ToAsyncEnumerable();

    /// <inheritdoc/>
    public async ValueTask<KeyMaterial> GetAsync(KeyName name, CancellationToken cancellationToken)
    {
        _sealed.RequireOurs();
        SealedKey key = _sealed.Find(name) ?? throw new StorageException(
            StorageErrorKind.NotFound, SealedKeys.Subject(name), $"there is no such key in {options.Directory}: bring it back, it is never made anew");
        try
        {
            SortedDictionary<int, byte[]> now = await _tpm.ReadPcrsAsync(key.Bank, [.. key.Pcrs.Keys], cancellationToken);
            int[] changed = [.. key.Pcrs.Where(then => !then.Value.AsSpan().SequenceEqual(now[then.Key])).Select(then => then.Key)];
            return changed.Length == 0
                ? await _tpm.UnsealAsync(key, cancellationToken)
                : throw new StorageException(
                    StorageErrorKind.Unavailable, SealedKeys.Subject(name),
                    $"locked: PCR {string.Join(", ", changed)} of {key.Bank} changed since it was sealed: start the software of then, or bring the key from elsewhere");
        }
        catch (IOException e)
        {
            throw FileCalls.Failure(SealedKeys.Subject(name), e);
        }
        catch (CommandException e)
        {
            throw new StorageException(
                StorageErrorKind.Unavailable, SealedKeys.Subject(name), $"the TPM at {options.Tcti} does not give it: it is out of reach, was cleared, or is another one", e);
        }
    }

    /// <inheritdoc/>
    public ValueTask<Plan> PlanCreateAsync(KeyName name, int length, CancellationToken cancellationToken)
        => length is >= 16 and <= Tpm.MaxSecret
            ? new(Plan.Of(new SealKey(this, _sealed, name, length)))
            : throw new StorageException(StorageErrorKind.InvalidConfiguration, SealedKeys.Subject(name), $"can't have {length} bytes: a TPM seals from 16 to {Tpm.MaxSecret}");

    /// <inheritdoc/>
    public ValueTask<Plan> PlanDeleteAsync(KeyName name, CancellationToken cancellationToken) => new(Plan.Of(new DeleteSealedKey(_sealed, name)));

    /// <summary>Makes a random key and seals it to the PCRs as they are.</summary>
    internal async Task<SealedKey> SealAsync(KeyName name, int length, OwnerMark mark, CancellationToken cancellationToken)
    {
        using KeyMaterial secret = new(length);
        RandomNumberGenerator.Fill(secret.Bytes);
        try
        {
            SortedDictionary<int, byte[]> values = await _tpm.ReadPcrsAsync(options.Bank, _pcrs, cancellationToken);
            (byte[] publicPart, byte[] privatePart) = await _tpm.SealAsync(secret, options.Bank, _pcrs, cancellationToken);
            SealedKey made = new()
            {
                Format = SealedKey.CurrentFormat,
                Mark = mark,
                Bank = options.Bank,
                Pcrs = values,
                Public = publicPart,
                Private = privatePart,
            };

            // One that can't be had back is worse than none: it is tried before anything is encrypted with it.
            using KeyMaterial back = await _tpm.UnsealAsync(made, cancellationToken);
            return CryptographicOperations.FixedTimeEquals(secret.Bytes, back.Bytes)
                ? made
                : throw new StorageException(StorageErrorKind.Io, SealedKeys.Subject(name), "the TPM gives back something else than it sealed");
        }
        catch (IOException e)
        {
            throw FileCalls.Failure(SealedKeys.Subject(name), e);
        }
        catch (CommandException e)
        {
            throw new StorageException(StorageErrorKind.Unavailable, SealedKeys.Subject(name), $"the TPM at {options.Tcti} does not seal it", e);
        }
    }
}
