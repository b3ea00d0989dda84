using EveStorage.NvmeOf;

namespace EveStorage.NvmetUser;

/// <summary>The secrets of an export's hosts, as long as it is served. The kernel's target keeps them in its memory too.</summary>
internal sealed class HostSecrets : IDisposable
{
    private readonly Dictionary<string, (DhChapSecret Host, DhChapSecret? Controller)> _secrets = [];

    private HostSecrets()
    {
    }

    /// <summary>Gets the secrets that a specification names; hosts without a key have none.</summary>
    /// <exception cref="StorageException">There is no source of keys, no such key, or it is none for this.</exception>
    internal static async ValueTask<HostSecrets> LoadAsync(ExportSpec spec, IKeyProvider? keys, CancellationToken cancellationToken)
    {
        HostSecrets secrets = new();
        bool loaded = false;
        try
        {
            foreach (AllowedHost host in spec.AllowedHosts)
            {
                if (host.Key is KeyName key)
                {
                    DhChapSecret own = await GetAsync(spec, host, key, keys, cancellationToken);
                    secrets._secrets[$"{host.Host}"] = (own, null);
                    if (host.ControllerKey is KeyName controllerKey)
                    {
                        secrets._secrets[$"{host.Host}"] = (own, await GetAsync(spec, host, controllerKey, keys, cancellationToken));
                    }
                }
            }

            loaded = true;
            return secrets;
        }
        finally
        {
            if (!loaded)
            {
                secrets.Dispose();
            }
        }
    }

    /// <summary>What a host and its controller have to prove; null when nothing.</summary>
    internal (DhChapSecret Host, DhChapSecret? Controller)? Of(string host)
        => _secrets.TryGetValue(host, out (DhChapSecret, DhChapSecret?) found) ? found : null;

    public void Dispose()
    {
        foreach ((DhChapSecret host, DhChapSecret? controller) in _secrets.Values)
        {
            host.Dispose();
            controller?.Dispose();
        }
    }

    private static async ValueTask<DhChapSecret> GetAsync(ExportSpec spec, AllowedHost host, KeyName name, IKeyProvider? keys, CancellationToken cancellationToken)
    {
        if (keys is null)
        {
            throw new StorageException(
                StorageErrorKind.InvalidConfiguration, spec.Subject, $"{host.Host} has to prove key {name}, and the profile declares no source of keys; declare one, or allow it without a key");
        }

        using KeyMaterial key = await keys.GetAsync(name, cancellationToken);
        return DhChapSecret.Of(key.Bytes, $"key {name}");
    }
}
