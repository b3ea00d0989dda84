using EveStorage.Linux;
using Microsoft.Extensions.Options;
using Microsoft.Win32.SafeHandles;

namespace EveStorage.Keys;

/// <summary>Which descriptors that we inherited give which keys.</summary>
public sealed class DescriptorKeysOptions
{
    /// <summary>The number of the descriptor, by the name of its key.</summary>
    public Dictionary<string, int> Descriptors { get; } = [];

    /// <summary>How long the writer of a pipe may take to give its key and close it.</summary>
    public TimeSpan Timeout { get; set; } = TimeSpan.FromSeconds(10);
}

/// <summary>Says every wrong value at once, with what is allowed.</summary>
internal sealed class DescriptorKeysOptionsValidator : IValidateOptions<DescriptorKeysOptions>
{
    /// <inheritdoc/>
    public ValidateOptionsResult Validate(string? name, DescriptorKeysOptions options)
    {
        ValidateOptionsResultBuilder result = new();
        if (options.Descriptors.Count == 0)
        {
            result.AddError("must have a descriptor for each key, such as { \"data\": 3 }", nameof(DescriptorKeysOptions.Descriptors));
        }

        foreach ((string key, int descriptor) in options.Descriptors)
        {
            if (descriptor < 3)
            {
                result.AddError($"'{key}' must be 3 or more: what comes before are the standard streams", nameof(DescriptorKeysOptions.Descriptors));
            }

            if (!KeyDirectory.IsName(key))
            {
                result.AddError($"'{key}' is not a key's name: a-z, 0-9, '.', '_' and '-', a letter or digit first", nameof(DescriptorKeysOptions.Descriptors));
            }
        }

        if (options.Timeout <= TimeSpan.Zero || options.Timeout > TimeSpan.FromHours(1))
        {
            result.AddError("must be from 00:00:00.001 to 01:00:00", nameof(DescriptorKeysOptions.Timeout));
        }

        return result.Build();
    }
}

/// <summary>Keys that whoever started us wrote to a pipe or an anonymous file. Read only; a key is read when it is first asked for.</summary>
internal sealed class DescriptorKeys : IKeyProvider
{
    private readonly DescriptorKeysOptions _options;
    private readonly InheritedKeys _inherited;
    private readonly TimeProvider _time;

    internal DescriptorKeys(DescriptorKeysOptions options, InheritedKeys inherited, TimeProvider time)
    {
        (_options, _inherited, _time) = (options, inherited, time);

        // First of all: a program that is started with it could read the key, or hold the pipe open.
        foreach (int descriptor in options.Descriptors.Values)
        {
            InheritedDescriptor.CloseOnExec(descriptor);
        }
    }

    /// <inheritdoc/>
    public ValueTask<IReadOnlyList<string>> ProbeAsync(CancellationToken cancellationToken)
        => new([.. _options.Descriptors
            .Where(pair => !_inherited.Has(pair.Value) && !File.Exists($"/proc/self/fd/{pair.Value}"))
            .Select(pair => $"descriptor {pair.Value} for the key {pair.Key}: it was not inherited")]);

    /// <inheritdoc/>
    public IAsyncEnumerable<KeyName> ListAsync(CancellationToken cancellationToken)
        => _options.Descriptors.Keys.Order(StringComparer.Ordinal).Select(name => new KeyName(name)).ToAsyncEnumerable();

    /// <inheritdoc/>
    public async ValueTask<KeyMaterial> GetAsync(KeyName name, CancellationToken cancellationToken)
        => _options.Descriptors.TryGetValue($"{name}", out int descriptor)
            ? await _inherited.CopyAsync(descriptor, KeyDirectory.Subject(name), _options.Timeout, _time, cancellationToken)
            : throw new StorageException(StorageErrorKind.NotFound, KeyDirectory.Subject(name), "no descriptor is declared for it");

    /// <inheritdoc/>
    public ValueTask<Plan> PlanCreateAsync(KeyName name, int length, CancellationToken cancellationToken) => throw NotHere(name);

    /// <inheritdoc/>
    public ValueTask<Plan> PlanDeleteAsync(KeyName name, CancellationToken cancellationToken) => throw NotHere(name);

    private static StorageException NotHere(KeyName name)
        => new(StorageErrorKind.NotSupported, KeyDirectory.Subject(name), "keys by descriptor are made and removed by whoever starts this program");
}

/// <summary>
/// What came through descriptors so far, kept until this process ends: a pipe gives it once. So each is read once, however
/// long that takes: who waits for it gives up by itself, and the next one waits for the same reading.
/// </summary>
internal sealed class InheritedKeys
{
    private readonly Dictionary<int, Task<KeyMaterial>> _keys = [];

    /// <summary>Whether it has been asked for.</summary>
    internal bool Has(int descriptor)
    {
        lock (_keys)
        {
            return _keys.ContainsKey(descriptor);
        }
    }

    /// <summary>A copy of the key of <paramref name="descriptor"/>.</summary>
    internal async Task<KeyMaterial> CopyAsync(int descriptor, string subject, TimeSpan timeout, TimeProvider time, CancellationToken cancellationToken)
    {
        Task<KeyMaterial>? reading;
        lock (_keys)
        {
            // One that failed is tried again: the descriptor may give it now.
            if (!_keys.TryGetValue(descriptor, out reading) || reading.IsFaulted)
            {
                reading = _keys[descriptor] = Task.Run(() => ReadAsync(descriptor, subject), CancellationToken.None);   // also opening may wait, for a writer
            }
        }

        try
        {
            KeyMaterial kept = await reading.WaitAsync(timeout, time, cancellationToken);
            KeyMaterial copy = new(kept.Bytes.Length);
            kept.Bytes.CopyTo(copy.Bytes);
            return copy;
        }
        catch (TimeoutException e)
        {
            throw new StorageException(
                StorageErrorKind.Unavailable, subject, $"nothing came through descriptor {descriptor} in {timeout}, or its writer did not close it; what comes later is kept for the next one who asks", e);
        }
    }

    // Opened again rather than used: the number may stand for something else by mistake, and closing that would break this process.
    private static async Task<KeyMaterial> ReadAsync(int descriptor, string subject)
    {
        string path = $"/proc/self/fd/{descriptor}";
        if (!File.Exists(path))
        {
            throw new StorageException(StorageErrorKind.Unavailable, subject, $"descriptor {descriptor} was not inherited");
        }

        using SafeFileHandle handle = FileCalls.Run(subject, () => File.OpenHandle(path));
        return await KeyFile.ReadToEndAsync(handle, subject);
    }
}
